# SPDX-License-Identifier: Apache-2.0
"""Owns the servers behind a configuration under test: each name gets a port on
loopback that speaks whatever it is spoken to.

HTTP is answered with the request's head as the body and the server's name in
X-Origin, after a PROXY header and inside TLS as well; names asked over UDP
are 127.0.0.1; everything else comes back as it was, after a line with the
name.  `X-Say: 404` asks for that status, `X-Add: NAME=VALUE|...` for fields.
"""
import base64
import hashlib
import os
import re
import socket
import ssl
import struct
import threading

V2 = b"\r\n\r\n\x00\r\nQUIT\n"
WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"    # RFC 6455, 1.3
CLOSED = ("Connection: close\r\n", "")


class Origins:
    def __init__(self, ports, folder):
        self.ports, self.folder = ports, folder
        self.known = {}                 # name -> port or path
        self.socks = []
        self.pem = None
        self.expects = ["HTTP/1.1 200"]  # what checks would like to read
        self.saw = []                   # (name, what came), in order
        self.lock = threading.Lock()

    def __call__(self, name):
        """The port of the server NAME, or its path for unix:NAME."""
        if name not in self.known:
            if name.startswith("unix:"):
                at = os.path.join(self.folder, "u%d" % len(self.known))
                if os.path.exists(at):
                    os.unlink(at)
                self.known[name] = at
                self.listen(socket.AF_UNIX, at, name)
            else:
                port = self.ports()
                self.known[name] = port
                self.listen(socket.AF_INET, ("127.0.0.1", port), name)
        return self.known[name]

    def listen(self, family, at, name):
        s = socket.socket(family, socket.SOCK_STREAM)
        if family != socket.AF_UNIX:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(at)
        s.listen(128)
        self.socks.append(s)
        threading.Thread(target=self.accept, args=(s, name),
                         daemon=True).start()

    def names(self, port):
        """A name server for which everything is here."""
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", port))
        self.socks.append(s)
        threading.Thread(target=self.answer_names, args=(s,),
                         daemon=True).start()

    def answer_names(self, s):
        while True:
            try:
                q, who = s.recvfrom(4096)
            except OSError:
                return
            if q.find(b"\0", 12) < 0:
                continue
            end = q.index(b"\0", 12) + 5
            kind = struct.unpack("!H", q[end - 4:end - 2])[0]
            head = q[:2] + b"\x81\x80\0\1" + \
                (b"\0\1" if kind == 1 else b"\0\0") + b"\0\0\0\0"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
            s.sendto(head + q[12:end] + (answer if kind == 1 else b""), who)

    def accept(self, s, name):
        while True:
            try:
                c, _ = s.accept()
            except OSError:
                return
            c.settimeout(120)
            threading.Thread(target=self.guarded, args=(c, name),
                             daemon=True).start()

    def guarded(self, c, name):
        try:
            self.serve(c, name)
        except (OSError, ValueError, IndexError):
            pass
        finally:
            self.leave(c)

    @staticmethod
    def leave(c):
        """Close without a reset, which would be a matter of luck."""
        try:
            c.settimeout(2)
            c.shutdown(socket.SHUT_WR)
            while c.recv(65536):
                pass
        except (OSError, ValueError):
            pass
        c.close()

    def note(self, name, what):
        with self.lock:
            self.saw.append((name, what))

    def serve(self, c, name):
        said = ""
        first = c.recv(16, socket.MSG_PEEK)
        if first[:12] == V2:
            n = struct.unpack("!H", first[14:16])[0] if len(first) == 16 \
                else 0
            head = self.exactly(c, 16 + n)
            said = "v2 " + self.v2(head)
        elif first[:6] == b"PROXY ":
            line = b""
            while not line.endswith(b"\n"):
                line += c.recv(1)
            said = "v1 " + re.sub(r" \d+ (\d+)\r\n", r" P \1",
                                  line.decode("latin1"))
        if said:
            first = c.recv(16, socket.MSG_PEEK)
        if first[:1] == b"\x16" and self.pem:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ctx.load_cert_chain(self.pem)
            sni = []
            ctx.set_servername_callback(lambda o, n, x: sni.append(n))
            c = ctx.wrap_socket(c, server_side=True)
            said += " tls sni=%s" % (sni and sni[0])
        self.talk(c, name, said.strip())

    @staticmethod
    def exactly(c, n):
        data = b""
        while len(data) < n:
            part = c.recv(n - len(data))
            if not part:
                raise OSError("short")
            data += part
        return data

    @staticmethod
    def v2(head):
        """What a header of version 2 says, without the client's port."""
        body = head[16:]
        if head[12] & 15 == 0:
            return "local"
        if head[13] >> 4 == 1:
            return "%02x %s %s %d tlv=%s" % (
                head[13], socket.inet_ntoa(body[:4]),
                socket.inet_ntoa(body[4:8]),
                struct.unpack("!H", body[10:12])[0], body[12:].hex())
        return "%02x %s" % (head[13], body[36:].hex())

    def talk(self, c, name, said):
        f = c.makefile("rb")
        while True:
            line = f.readline(65536)
            if not line:
                return
            if not re.match(rb"[A-Za-z]+ \S+ HTTP/1\.[01]\r\n", line):
                return self.echo(c, f, line, name, said)
            if not self.http(c, f, line, name, said):
                return

    def http(self, c, f, line, name, said):
        """One request; whether there may be another."""
        head = line
        while line not in (b"\r\n", b"\n", b""):
            line = f.readline(65536)
            head += line
        text = head.decode("latin1")
        fields = dict((k.lower(), v.strip()) for k, _, v in
                      (x.partition(":") for x in text.split("\r\n")[1:-2]))
        n = int(fields.get("content-length", 0))
        body = f.read(n) if n else b""
        if fields.get("transfer-encoding"):
            while True:
                size = int(f.readline().split(b";")[0], 16)
                if size == 0:
                    while f.readline() not in (b"\r\n", b""):
                        pass
                    break
                body += f.read(size)
                f.readline()
        self.note(name, (said + " " if said else "") + text +
                  body.decode("latin1")[:200])
        return self.respond(c, f, text, fields, name, said)

    def respond(self, c, f, text, fields, name, said):
        status = fields.get("x-say", "200")
        if fields.get("upgrade", "").lower() == "websocket":
            key = fields.get("sec-websocket-key", "") + WEBSOCKET
            c.sendall(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n"
                      b"Connection: Upgrade\r\nX-Origin: %s\r\n"
                      b"Sec-WebSocket-Accept: %s\r\n\r\n" % (
                          name.encode(), base64.b64encode(hashlib.sha1(
                              key.encode()).digest())))
            while True:
                part = f.read1(65536)
                if not part:
                    return False
                c.sendall(part)
        body = said + "\n" + text + "\n" + " ".join(self.expects) + "\n"
        extra = "".join("%s: %s\r\n" % tuple(x.split("=", 1)) for x in
                        fields.get("x-add", "").split("|") if "=" in x)
        close = fields.get("connection", "").lower() == "close"
        if status in ("204", "304"):
            body = ""
        head = "HTTP/1.1 %s Own\r\nServer: own\r\nX-Origin: %s\r\n%s%s" % (
            status, name, extra, CLOSED[not close])
        if status not in ("204", "304"):
            head += "Content-Type: text/plain\r\nContent-Length: %d\r\n" % (
                len(body))
        if text.startswith("HEAD "):
            body = ""
        c.sendall((head + "\r\n" + body).encode("latin1"))
        return not close

    def echo(self, c, f, line, name, said):
        """Bytes come back; those of a check get what it waits for."""
        self.note(name, (said + " " if said else "") + repr(line[:100]))
        c.sendall(("%s %s\n" % (name, said)).encode())
        while line:
            if line[:4] in (b"PING", b"QUIT", b"AUTH", b"info", b"ROLE"):
                c.sendall(("\r\n".join(self.expects) + "\r\n").encode())
            else:
                c.sendall(line)
            line = f.read1(65536)

    def take_saw(self):
        with self.lock:
            saw, self.saw = self.saw, []
        return saw

    def close(self):
        for s in self.socks:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
