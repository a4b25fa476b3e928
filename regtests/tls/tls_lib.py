# SPDX-License-Identifier: Apache-2.0
"""Certificates made on the spot, and a TLS client, for the tests of room tls."""
import os
import socket
import ssl
import subprocess
import sys

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
    until(lambda: not refused(port), "the program listens", 10)
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
