# SPDX-License-Identifier: Apache-2.0
"""Owns what is asked of a configuration: requests made of the names, paths,
fields and cookies that stand in it, always the same for the same file, and
how they are sent."""
import random
import re
import socket
import ssl

from rewrite import words

LIMIT = 8.0             # seconds for an answer
HELLO_NAMES = 6


class Hints:
    """The words of a configuration that its rules look for."""

    def __init__(self, text):
        self.hosts, self.paths = ["other.example"], ["/", "/a/b.css?x=1&y=2"]
        self.fields, self.cookies, self.snis = [], [], ["other.example"]
        self.agents, self.methods = ["curl/8"], ["GET"]
        for line in text.splitlines():
            self.line([t for _, _, t in words(line)])

    def line(self, t):
        for i, word in enumerate(t):
            vals = [v for v in t[i + 1:] if not v.startswith("-")]
            if t[0] != "acl" and "}" in vals:
                vals = vals[:vals.index("}")]
            elif t[0] != "acl" and "{" not in t[:i]:
                vals = []
            self.fetch(word, [v.replace("\\", "") for v in vals[:12]])
        if t and t[0] == "cookie" and len(t) > 1:
            self.cookies.append(t[1] + "=s1")
        for i in range(len(t) - 1):
            if t[i] == "cookie" and t[0] == "server":
                self.cookies.append("SERVERID=" + t[i + 1])
            if t[i] in ("uri", "monitor-uri"):
                self.paths.append(t[i + 1])
            elif t[i] == "/metrics":
                self.paths.append(t[i])

    def fetch(self, word, vals):
        low = word.lower()
        if re.match(r"(req\.)?(f?hdr)\w*\(host|(req_)?base|host\b", low):
            for v in vals:
                self.hosts.append(v.strip(".") + (
                    ".example" if low.startswith("hdr_beg") else ""))
        elif re.match(r"(req\.)?(fhdr|hdr)\w*\(user-agent", low):
            self.agents += vals
        elif (m := re.match(r"(?:req\.)?f?hdr\w*\(([\w-]+)", low)):
            if m.group(1) not in ("host", "x-forwarded-for"):
                self.fields += ["%s: %s" % (m.group(1), v)
                                for v in vals or ["x"]]
        elif re.match(r"(req\.)?cook\w*\((\w+)", low):
            name = re.match(r".*?\(([\w-]+)", word).group(1)
            self.cookies += ["%s=%s" % (name, v) for v in vals or ["1"]]
        elif re.match(r"(path|url|capture.req.uri|pathq)", low):
            self.paths += [p for p in map(plain, vals) if p.startswith("/")]
        elif re.match(r"url_?p(aram)?\((\w+)", low):
            name = re.match(r".*\((\w+)", word).group(1)
            self.paths += ["/p?%s=%s" % (name, plain(v)) for v in
                           vals or ["1"]]
        elif low.startswith(("req_ssl_sni", "req.ssl_sni", "ssl_fc_sni")):
            self.snis += [v.strip(".") for v in vals if "$" not in v]
        elif low == "method":
            self.methods += vals
        elif low.startswith("meth_"):
            self.methods.append(word[5:])


def plain(regex):
    """Something that a simple regular expression takes."""
    s = re.sub(r"\(\?[:!=][^)]*\)|[$^]", "", regex)
    s = re.sub(r"\(([^()|]*)\|?[^()]*\)\??", r"\1", s)
    s = re.sub(r"\[[^]]*\][+*]?", "x1", s)
    s = re.sub(r"\.[*+]|\\[dw][+*]?", "x", s)
    return re.sub(r"[()\\?*+]", "", s) or "/"


def requests(hints, seed, n):
    """N requests as (bytes, connections that come after it may go on)."""
    rnd = random.Random(seed)
    hosts, paths = sorted(set(hints.hosts)), sorted(set(hints.paths))
    combos = [(h, p) for h in hosts for p in paths]
    rnd.shuffle(combos)
    out = []
    for i in range(n):
        host, path = combos[i % len(combos)]
        method = rnd.choice(["GET"] * 6 + ["HEAD", "POST", "PUT"] +
                            sorted(set(hints.methods) - {"GET"}))
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + host]
        lines += fields(hints, rnd)
        body = b""
        if method in ("POST", "PUT", "PATCH"):
            body = b"a=1&b=2" if rnd.random() < .6 else b"x" * 5000
            lines.append("Content-Length: %d" % len(body))
        if rnd.random() < .1:
            lines.append("Connection: close")
        out.append(("\r\n".join(lines) + "\r\n\r\n").encode("latin1") + body)
    return out + ODD


def fields(hints, rnd):
    out = []
    if hints.fields and rnd.random() < .4:
        out.append(rnd.choice(hints.fields))
    if rnd.random() < .3:
        out.append("X-Forwarded-For: 203.0.113.%d" % rnd.randrange(250))
    if hints.cookies and rnd.random() < .5:
        out.append("Cookie: " + rnd.choice(hints.cookies))
    if rnd.random() < .5:
        out.append("User-Agent: " + rnd.choice(hints.agents))
    if rnd.random() < .15:
        out.append("X-Say: " + rnd.choice(["404", "500", "503", "204", "304",
                                           "302", "401"]))
    if rnd.random() < .15:
        out.append("X-Add: " + rnd.choice(
            ["Set-Cookie=sid=1; Path=/", "Location=http://blog/x",
             "Cache-Control=private", "X-Powered-By=own"]))
    if rnd.random() < .1:
        out.append("Origin: https://alpha.example")
    if rnd.random() < .05:
        out.append("Authorization: Basic YWRtaW46YWRtaW4=")
    return out


# What is seldom, and what is wrong for both programs alike.
ODD = [
    b"GET /ws HTTP/1.1\r\nHost: alpha.example\r\nUpgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: alpha.example\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET http://alpha.example/abs HTTP/1.1\r\nHost: alpha.example\r\n\r\n",
    b"POST /c HTTP/1.1\r\nHost: alpha.example\r\nTransfer-Encoding: chunked"
    b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /nohost HTTP/1.1\r\n\r\n",
    b"BREW /pot HTTP/1.1\r\nHost: alpha.example\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost : alpha.example\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: alpha.example\r\n\r\n",
    b"\x16\x03\x01nonsense\r\n\r\n",
    b"GET /%zz/..%2f../ HTTP/1.1\r\nHost: ALPHA.example:80\r\n\r\n",
]


def streams(hints):
    """What is said to a line of mode tcp."""
    out = [b"hello there\n", b"GET / HTTP/1.1\r\nHost: alpha.example\r\n"
           b"Connection: close\r\n\r\n", b"SSH-2.0-own\r\n",
           b"\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash="
           b"user\r\n\x01\x00\x08\x00\x03\x00\x00\x00\n"]
    for name in sorted(set(hints.snis))[:HELLO_NAMES]:
        out.append(hello(name))
    return out


def hello(name):
    """A client's first TLS message that asks for a name, without chance."""
    def sized(n, data):
        return len(data).to_bytes(n, "big") + data

    host = name.encode()
    sni = b"\0\0" + sized(2, sized(2, b"\0" + sized(2, host)))
    versions = b"\0\x2b" + sized(2, b"\x02\x03\x03")
    body = b"\x03\x03" + b"r" * 32 + b"\0" + sized(2, b"\xc0\x2f") + \
        b"\x01\0" + sized(2, sni + versions)
    return b"\x16\x03\x01" + sized(2, b"\x01" + sized(3, body))


class Client:
    """One connection after the other to one line."""

    def __init__(self, front):
        self.front = front
        self.c = None

    def connect(self, sni=None):
        host, port = self.front["at"]
        c = socket.create_connection((host, port), LIMIT)
        c.settimeout(LIMIT)
        if self.front["proxied"]:
            c.sendall(b"PROXY TCP4 203.0.113.9 203.0.113.1 4000 80\r\n")
        if self.front["tls"]:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            ctx.check_hostname = False
            ctx.verify_mode = ssl.CERT_NONE
            c = ctx.wrap_socket(c, server_hostname=sni)
        return c

    def ask(self, request):
        """(head, body, end): the answer's parts, and whether the
        connection ended; ("", text, True) for what is no answer."""
        try:
            if self.c is None:
                m = re.search(rb"Host: ([\w.-]+)", request)
                self.c = self.connect(m and m.group(1).decode())
            self.c.sendall(request)
            return self.answer(request)
        except (OSError, ssl.SSLError) as e:
            self.close()
            return "", type(e).__name__, True

    def answer(self, request):
        f = self.c.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = f.readline()
            if not line:
                self.close()
                return "", "ended after %r" % head, True
            head += line
        text = head.decode("latin1")
        n = re.search(r"(?mi)^content-length: (\d+)", text)
        status = text.split(" ")[1]
        body, ended = b"", False
        if status == "101":
            self.c.sendall(b"ping")
            body, ended = self.c.recv(4), True
        elif request.startswith(b"HEAD ") or status in ("204", "304"):
            pass
        elif re.search(r"(?mi)^transfer-encoding: chunked", text):
            while (size := int(f.readline().split(b";")[0], 16)):
                body += f.read(size)
                f.readline()
            f.readline()
        elif n:
            body = f.read(int(n.group(1)))
        else:
            body, ended = f.read(), True
        if ended or re.search(r"(?mi)^connection: close", text) or \
                text.startswith("HTTP/1.0"):
            ended = True
            self.close()
        return text, body.decode("latin1"), ended

    def say(self, data):
        """What comes back for some bytes and the end of sending."""
        try:
            c = self.connect("alpha.example")
        except (OSError, ssl.SSLError) as e:
            return type(e).__name__
        back = b""
        try:
            c.sendall(data)
            if not self.front["tls"] and b"Connection: close" not in data:
                c.shutdown(socket.SHUT_WR)
            while len(back) < 100000:
                part = c.recv(65536)
                if not part:
                    break
                back += part
                if self.front["tls"] and back.endswith(data):
                    break
        except (OSError, ssl.SSLError) as e:
            back += type(e).__name__.encode()
        c.close()
        return back.decode("latin1")

    def close(self):
        if self.c is not None:
            self.c.close()
            self.c = None
