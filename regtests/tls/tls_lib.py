# SPDX-License-Identifier: Apache-2.0
"""Certificates made on the spot, and a TLS client, for the tests of room tls."""
import os
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "keeper"))
from harness import *          # noqa: E402,F401,F403


def openssl(*args, data=None):
    done = subprocess.run(["openssl", *args], capture_output=True, input=data,
                          timeout=30)
    check(done.returncode == 0, "openssl %s: %s" % (args, done.stderr.decode()))
    return done.stdout


def make_cert(name, cn, sans=(), key="ec", ca=None, serial=None, extra=()):
    """name.crt and name.key, and both as name.pem; by a CA of make_ca() or
    signed by itself."""
    base = scratch(name)
    os.makedirs(os.path.dirname(base), exist_ok=True)
    if key == "ec":
        how = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    else:
        how = ["-newkey", "rsa:2048"]
    args = ["req", "-x509", *how, "-nodes", "-days", "30", "-subj", "/CN=" + cn,
            "-keyout", base + ".key", "-out", base + ".crt", *extra]
    if sans:
        args += ["-addext", "subjectAltName=" + ",".join(
            "DNS:" + s for s in sans)]
    if serial:
        args += ["-set_serial", str(serial)]
    if ca:
        csr = base + ".csr"
        openssl("req", "-new", *how, "-nodes", "-subj", "/CN=" + cn,
                "-keyout", base + ".key", "-out", csr)
        openssl("x509", "-req", "-in", csr, "-days", "30", "-CA",
                scratch(ca + ".crt"), "-CAkey", scratch(ca + ".key"),
                "-extfile", write("x509.ext", "authorityKeyIdentifier=keyid\n"
                                  "subjectKeyIdentifier=hash\n"),
                "-set_serial", str(serial or 77), "-out", base + ".crt")
    else:
        openssl(*args)
    with open(base + ".pem", "w") as f:
        f.write(read(base + ".crt") + read(base + ".key"))
    # the key is found by looking for the very same name with .key behind it
    os.rename(base + ".key", base + ".prv")
    return base + ".pem"


def make_ca(name, cn):
    pem = make_cert(name, cn)
    shutil.copy(scratch(name + ".prv"), scratch(name + ".key"))
    return scratch(name + ".crt")


def context(version=None, cert=None, alpn=None, ciphers=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    if version:
        ctx.minimum_version = ctx.maximum_version = version
    if cert:
        ctx.load_cert_chain(cert)
    if alpn:
        ctx.set_alpn_protocols(alpn)
    if ciphers:
        ctx.set_ciphers(ciphers)
    return ctx


V12 = ssl.TLSVersion.TLSv1_2
V13 = ssl.TLSVersion.TLSv1_3


def connect(port, name="localhost", ctx=None, session=None, limit=5,
            ragged=True):
    """Unless `ragged`, an end without close_notify is an error of recv()."""
    s = socket.create_connection(("127.0.0.1", port), limit)
    s.settimeout(limit)
    return (ctx or context()).wrap_socket(s, server_hostname=name,
                                          session=session,
                                          suppress_ragged_eofs=ragged)


def request(s, path="/", head="", body=b"", close=True):
    """One request on an open connection; (status, headers, body)."""
    text = "%s %s HTTP/1.1\r\nHost: h\r\n%s" % ("POST" if body else "GET", path,
                                                head)
    if body:
        text += "Content-Length: %d\r\n" % len(body)
    if close:
        text += "Connection: close\r\n"
    s.sendall(text.encode() + b"\r\n" + body)
    return response(s)


def response(s):
    got = b""
    while b"\r\n\r\n" not in got:
        part = s.recv(65536)
        if not part:
            raise Failed("closed within a head: %r" % got)
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        k, _, v = line.partition(":")
        headers[k.strip().lower()] = v.strip()
    n = int(headers.get("content-length", "0"))
    while len(body) < n:
        part = s.recv(65536)
        if not part:
            raise Failed("closed within a body")
        body += part
    return int(lines[0].split()[1]), headers, body


def get(port, path="/", name="localhost", ctx=None, session=None, head=""):
    with connect(port, name, ctx, session) as s:
        return request(s, path, head)


def subject(s):
    """The common name of the certificate that the server showed."""
    der = s.getpeercert(binary_form=True)
    out = openssl("x509", "-inform", "DER", "-noout", "-subject", "-nameopt",
                  "multiline", data=der).decode()
    return match(r"commonName\s*= (\S+)", out)[1]


def shown(port, name, ctx=None):
    """The common name that a client which asks for `name` gets; None: its
    handshake failed."""
    try:
        with connect(port, name, ctx) as s:
            return subject(s)
    except ssl.SSLError:
        return None
    except ConnectionError:
        return None


def serve(text, port, *args):
    """Start the program with this configuration; it listens on `port`."""
    p = Proc("-f", write("t.cfg", text), *args)
    until(lambda: not refused(port), "the program listens")
    return p


class Syslog:
    """A log server: lines that came."""

    def __init__(self):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.s.settimeout(5)
        self.port = self.s.getsockname()[1]

    def line(self):
        try:
            return self.s.recv(65536).decode("latin-1").rstrip("\n")
        except socket.timeout:
            raise Failed("no line in the log")


def fill(n):
    return (b"0123456789abcdefghijklmnopqrstuvwxyz\n" * (n // 37 + 1))[:n]


class TlsOrigin:
    """A server with TLS. It answers with /N bytes, or with the body that came,
    and says in headers on which connection, for which name, with a session
    taken up again or not, and what the PROXY header was."""

    def __init__(self, pem, version=None, client_ca=None, proxy=False,
                 alpn=None, hold=None):
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.load_cert_chain(pem)
        if version:
            self.ctx.minimum_version = self.ctx.maximum_version = version
        if client_ca:
            self.ctx.verify_mode = ssl.CERT_REQUIRED
            self.ctx.load_verify_locations(client_ca)
        if alpn:
            self.ctx.set_alpn_protocols(alpn)
        self.ctx.sni_callback = self._sni
        self.names, self.n, self.open, self.polite = {}, 0, 0, 0
        self.proxy, self.hold = proxy, hold
        self.s = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.s.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _sni(self, sock, name, ctx):
        self.names[sock] = name

    def _accept(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            self.n += 1
            threading.Thread(target=self._serve, args=(c, self.n),
                             daemon=True).start()

    def _serve(self, c, no):
        self.open += 1
        try:
            head = b""
            while self.proxy and not head.endswith(b"\r\n"):
                head += c.recv(1)
            self._talk(self.ctx.wrap_socket(c, server_side=True), no,
                       head.decode().strip())
        except OSError:
            pass
        finally:
            c.close()
            self.open -= 1

    def _talk(self, t, no, proxy):
        crt = t.getpeercert()
        cn = "-" if not crt else dict(x[0] for x in crt["subject"])[
            "commonName"]
        rest = b""
        while True:
            while b"\r\n\r\n" not in rest:
                part = t.recv(65536)
                if not part:
                    self.polite += 1
                    t.unwrap()
                    return
                rest += part
            head, _, rest = rest.partition(b"\r\n\r\n")
            if self.hold:
                self.hold()
            n = [int(x.split(b":")[1]) for x in head.split(b"\r\n")
                 if x.lower().startswith(b"content-length:")]
            while n and len(rest) < n[0]:
                rest += t.recv(65536)
            body, rest = (rest[:n[0]], rest[n[0]:]) if n else (b"", rest)
            path = head.split()[1][1:].decode()
            if path.isdigit():
                body = fill(int(path))
            text = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Conn: %d\r\n" \
                "X-Name: %s\r\nX-Reused: %d\r\nX-Version: %s\r\nX-Peer: %s\r\n" \
                "X-Proxy: %s\r\nX-Alpn: %s\r\n\r\n" % (
                    len(body), no, self.names.get(t) or "-", t.session_reused,
                    t.version(), cn, proxy or "-",
                    t.selected_alpn_protocol() or "-")
            t.sendall(text.encode() + body)
            if path == "close":
                t.unwrap()
                return

    def stop(self):
        self.s.close()


def ask(port, path="/", host="h", head="", body=b"", limit=5):
    """One request in the clear; (status, headers, body)."""
    with socket.create_connection(("127.0.0.1", port), limit) as s:
        s.settimeout(limit)
        return talk(s, path, host, head, body, close=True)


def talk(s, path="/", host="h", head="", body=b"", close=False):
    text = "%s %s HTTP/1.1\r\nHost: %s\r\n%s" % ("POST" if body else "GET",
                                                  path, host, head)
    if body:
        text += "Content-Length: %d\r\n" % len(body)
    if close:
        text += "Connection: close\r\n"
    s.sendall(text.encode() + b"\r\n" + body)
    return response(s)
