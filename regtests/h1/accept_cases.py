# SPDX-License-Identifier: Apache-2.0
"""Messages that keep the rules of HTTP/1 in their own way, each with a name:
what accept-unsafe.test sends to both programs.
"""
CONTROLS = [c for c in range(0x20) if c not in (0x0a, 0x0d)] + [0x7f]
MARKS = b' "<>\\^`{|}#%[]@:;,=()/?'


def rq(line=b"GET / HTTP/1.1", *fields, host=b"Host: a", body=b"", eol=b"\r\n"):
    rows = [line] + ([host] if host is not None else []) + list(fields)
    return eol.join(rows) + eol + eol + body


def rs(line=b"HTTP/1.1 200 OK", *fields, body=b"", length=b"Content-Length: 0"):
    rows = [line] + ([length] if length is not None else []) + list(fields)
    return b"\r\n".join(rows) + b"\r\n\r\n" + body


def byte(c):
    return "0x%02x" % c


def in_fields(of, line):
    """Of names and values of fields: they are read alike on both sides."""
    for c in range(256):
        if c in (0x0a, 0x0d):
            continue
        b = bytes([c])
        yield "name with " + byte(c), of(line, b"X" + b + b"Y: v", b"Z: 1")
        if c in CONTROLS or c >= 0x7f or c in MARKS:
            yield "name of " + byte(c), of(line, b + b": v", b"Z: 1")
            yield "name ends with " + byte(c), of(line, b"X" + b + b": v")
            yield "name begins with " + byte(c), of(line, b + b"X: v", b"Z: 1")
        if c in CONTROLS or c >= 0x7e:
            yield "value with " + byte(c), of(line, b"X: a" + b + b"b", b"Z: 1")
    for what, f in (
            ("no name", b": v"), ("no colon", b"Nocolon"),
            ("no value", b"X:"), ("a blank before the colon", b"X : v"),
            ("two blanks before the colon", b"X  : v"),
            ("a tab before the colon", b"X\t: v"),
            ("a folded line", b"X: a\r\n b"), ("a folded name", b"X\r\n : b"),
            ("a bare CR in a value", b"X: a\rb"),
            ("a bare CR in a name", b"X\ra: b"),
            ("a bare LF", b"X: a\nY: b"), ("a name of two words", b"X Y: v"),
            ("a quoted name", b'"X": v'), ("a name in UTF-8", b"\xc3\xa9: v"),
            ("bytes of UTF-8 in a value", b"X: \xc3\xa9"),
            ("a bad name and a bad value", b"X(: \x01"),
            ("NUL at the end of a value", b"X: a\0"),
            ("NUL at the start of a value", b"X: \0a"),
            ("NUL as a value", b"X: \0"),
            ("two bad names", b"X(: 1\r\nX): 2"),
            ("a bad name twice", b"X(: 1\r\nX(: 2"),
            ("a bad name of framing", b"Content-Length\0: 5"),
            ("a bad name of coding", b"Transfer-Encoding\x01: chunked"),
            ("a coding behind a blank", b"Transfer-Encoding : chunked"),
            ("a length behind a blank", b"Content-Length : 5"),
            ("a coding with NUL", b"Transfer-Encoding: chunked\0"),
            ("a coding with a vertical tab", b"Transfer-Encoding: \x0bchunked"),
            ("a bad name of the connection", b"Connection\x80: close"),
            ("a connection with NUL", b"Connection: close\0")):
        yield what, of(line, f, b"Z: 1")


FRAMING = [
    ("two equal lengths", (b"Content-Length: 3", b"Content-Length: 3"), b"abc"),
    ("three equal lengths", (b"Content-Length: 3",) * 3, b"abc"),
    ("a list of equal lengths", (b"Content-Length: 3, 3",), b"abc"),
    ("two lengths", (b"Content-Length: 3", b"Content-Length: 4"), b"abcd"),
    ("a list of lengths", (b"Content-Length: 3,4",), b"abcd"),
    ("a length of no digits", (b"Content-Length: ",), b""),
    ("a signed length", (b"Content-Length: +3",), b"abc"),
    ("a negative length", (b"Content-Length: -3",), b"abc"),
    ("a length with a letter", (b"Content-Length: 3a",), b"abc"),
    ("a length in base 16", (b"Content-Length: 0x3",), b"abc"),
    ("a length with NUL", (b"Content-Length: 3\0",), b"abc"),
    ("a length with a blank", (b"Content-Length: 3 0",), b"abc"),
    ("a length with zeros", (b"Content-Length: 0003",), b"abc"),
    ("too long a length", (b"Content-Length: 99999999999999999999",), b"abc"),
    ("chunked and a length", (b"Transfer-Encoding: chunked",
                              b"Content-Length: 3"), b"3\r\nabc\r\n0\r\n\r\n"),
    ("a length and chunked", (b"Content-Length: 3",
                              b"Transfer-Encoding: chunked"),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("chunked twice", (b"Transfer-Encoding: chunked, chunked",),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("two fields of chunked", (b"Transfer-Encoding: chunked",) * 2,
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("an empty coding", (b"Transfer-Encoding:",), b""),
    ("an empty coding and chunked", (b"Transfer-Encoding:",
                                     b"Transfer-Encoding: chunked"),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("chunked and an empty element", (b"Transfer-Encoding: chunked,",),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("an empty element and chunked", (b"Transfer-Encoding: ,chunked",),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("chunked and something", (b"Transfer-Encoding: chunked, x",),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("something and chunked", (b"Transfer-Encoding: x, chunked",),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("gzip and chunked", (b"Transfer-Encoding: gzip, chunked",),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("identity", (b"Transfer-Encoding: identity",), b""),
    ("a quoted coding", (b'Transfer-Encoding: "chunked"',),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("a bad name and a length", (b"X(: 1", b"Content-Length: 3"), b"abc"),
    ("a bad name and chunks", (b"X(: 1", b"Transfer-Encoding: chunked"),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("a bad name and two lengths", (b"X(: 1", b"Content-Length: 3",
                                    b"Content-Length: 4"), b"abcd"),
    ("a bad name and two equal lengths", (b"X(: 1", b"Content-Length: 3",
                                          b"Content-Length: 3"), b"abc"),
    ("a bad name, chunked and a length", (
        b"X(: 1", b"Transfer-Encoding: chunked", b"Content-Length: 3"),
     b"3\r\nabc\r\n0\r\n\r\n"),
    ("bad chunks", (b"Transfer-Encoding: chunked",), b"zz\r\nabc\r\n0\r\n\r\n"),
]
VERSIONS = [
    b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2.1",
    b"HTTP/3.0", b"HTTP/9.9", b"HTTP/0.0", b"HTTP/1.01", b"HTTP/01.1",
    b"HTTP/1.10", b"HTTP/11.1", b"HTTP/10.10", b"HTTP/1.", b"HTTP/.1",
    b"HTTP/1", b"HTTP/", b"HTTP", b"HTTP/1.1.1", b"HTTP/a.b", b"HTTP/1.a",
    b"HTTP/1,1", b"HTTP/-1.1", b"http/1.1", b"Http/1.1", b"HTTPS/1.1",
    b"RTSP/1.0", b"RTSP/1.1", b"RTSP/2.0", b"ICAP/1.0", b"SIP/2.0", b"SPDY/3.1",
    b"XXXX/1.1", b"XXXX/1.0", b"XXXX/0.9", b"HTTP 1.1", b"HTTP\\1.1",
    b"HTTP/1\0001", b"HTTP/1.\x80", b"HTTP-X/1.1", b"H2TP/1.1", b"1.1", b"/1.1",
    b"1", b"HTTP/1.1\t", b"\tHTTP/1.1", b"HTTP/1.1x", b"HTTP//1.1", b"RTSP/1.01",
    b"HTTP/999999999999.1", b"HTTP/1.99999999999",
]


def requests():
    for c in range(256):
        if c in (0x0a, 0x0d):
            continue
        b = bytes([c])
        if c in CONTROLS or c >= 0x7f or c in MARKS:
            yield "path with " + byte(c), rq(b"GET /a" + b + b"b HTTP/1.1")
            yield "query with " + byte(c), rq(b"GET /?a" + b + b"b HTTP/1.1")
            yield "target of " + byte(c), rq(b"GET " + b + b" HTTP/1.1")
            yield "authority with " + byte(c), rq(
                b"GET http://a" + b + b"b/ HTTP/1.1", host=b"Host: a" + b + b"b")
            yield "Host with " + byte(c), rq(host=b"Host: a" + b + b"b")
        if not (c < 0x80 and chr(c).isalnum()):
            yield "method with " + byte(c), rq(b"G" + b + b"T / HTTP/1.1")
    yield from in_fields(rq, b"GET / HTTP/1.1")
    for v in VERSIONS:
        yield "version " + repr(v), rq(b"GET /v " + v)
    for v in (b"HTTP/2.0", b"RTSP/1.0", b"HTTP/0.9", b"HTTP/1.10"):
        for m in (b"POST", b"OPTIONS", b"DESCRIBE"):
            yield "%r by %r" % (v, m), rq(m + b" /v " + v, b"Content-Length: 3",
                                          body=b"abc")
        yield "%r with chunks" % v, rq(
            b"POST /v " + v, b"Transfer-Encoding: chunked",
            body=b"3\r\nabc\r\n0\r\n\r\n")
        yield "%r without Host" % v, rq(b"GET /v " + v, host=None)
        yield "%r keep-alive" % v, rq(b"GET /v " + v, b"Connection: keep-alive")
        yield "%r close" % v, rq(b"GET /v " + v, b"Connection: close")
        yield "%r with 0x80" % v, rq(b"GET /\x80 " + v)
    for what, b in (
            ("GET", b"GET /old\r\n"), ("GET, LF", b"GET /old\n"),
            ("GET, a blank", b"GET /old \r\n"),
            ("GET, two blanks", b"GET /old  \r\n"),
            ("GET, a tab", b"GET /old\t\r\n"),
            ("GET with fields", b"GET /old\r\nHost: a\r\nX: 1\r\n\r\n"),
            ("GET, a blank, fields", b"GET /old \r\nHost: a\r\n\r\n"),
            ("GET and an empty line", b"GET /old\r\n\r\n"),
            ("GET and a request", b"GET /old\r\nGET / HTTP/1.1\r\nHost: a\r\n"
             b"\r\n"),
            ("GET, LF and an empty line", b"GET /old\n\n"),
            ("POST", b"POST /old\r\n\r\n"), ("HEAD", b"HEAD /old\r\n\r\n"),
            ("PUT with fields", b"PUT /old\r\nHost: a\r\n\r\n"),
            ("OPTIONS *", b"OPTIONS *\r\n\r\n"),
            ("an absolute target", b"GET http://a/old\r\n\r\n"),
            ("0x80", b"GET /\x80\r\n\r\n"), ("no path", b"GET\r\n\r\n"),
            ("a blank as path", b"GET \r\n\r\n"), ("no slash", b"GET x\r\n\r\n"),
            ("lower case", b"get /old\r\n\r\n"),
            ("a fragment", b"GET /old#f\r\n\r\n")):
        yield "HTTP/0.9: " + what, b
    for what, line in (
            ("two blanks before the target", b"GET  / HTTP/1.1"),
            ("two blanks before the version", b"GET /  HTTP/1.1"),
            ("a tab before the target", b"GET\t/ HTTP/1.1"),
            ("a tab before the version", b"GET /\tHTTP/1.1"),
            ("a blank at the start", b" GET / HTTP/1.1"),
            ("a blank at the end", b"GET / HTTP/1.1 "),
            ("four words", b"GET / x HTTP/1.1"), ("no method", b"/ HTTP/1.1"),
            ("a blank for a method", b"  / HTTP/1.1"),
            ("a fragment", b"GET /a#b HTTP/1.1"),
            ("a fragment of nothing", b"GET /a# HTTP/1.1"),
            ("a fragment alone", b"GET # HTTP/1.1"),
            ("two fragments", b"GET /a#b#c HTTP/1.1"),
            ("a fragment in a query", b"GET /a?b#c HTTP/1.1"),
            ("a query in a fragment", b"GET /a#b?c HTTP/1.1"),
            ("a fragment and 0x80", b"GET /a#b\x80 HTTP/1.1"),
            ("0x80 and a control", b"GET /\x80\x01 HTTP/1.1"),
            ("UTF-8", b"GET /caf\xc3\xa9?q=\xe2\x82\xac HTTP/1.1"),
            ("no slash", b"GET a HTTP/1.1"), ("a dot", b"GET . HTTP/1.1"),
            ("a question mark", b"GET ?a HTTP/1.1"),
            ("no slash and a colon", b"GET a:b HTTP/1.1"),
            ("an asterisk for GET", b"GET * HTTP/1.1"),
            ("an asterisk", b"OPTIONS * HTTP/1.1"),
            ("an asterisk and more", b"OPTIONS *a HTTP/1.1"),
            ("a host and port for GET", b"GET a:80 HTTP/1.1"),
            ("an absolute target for OPTIONS", b"OPTIONS http://a/ HTTP/1.1"),
            ("a long method", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1"),
            ("CONNECT to a path", b"CONNECT /a HTTP/1.1"),
            ("CONNECT to an asterisk", b"CONNECT * HTTP/1.1"),
            ("PRI", b"PRI * HTTP/2.0")):
        yield "line: " + what, rq(line)
    for target in (b"http://a", b"http://a/", b"http://a/p?q", b"http://A/",
                   b"http://a:80/", b"http://a:81/", b"http://a:/", b"http://b/",
                   b"http:///", b"http://", b"http:/a", b"http:a", b"http//a",
                   b"https://a/", b"https://a:443/", b"https://a:80/", b"://a/",
                   b"//a/", b"ftp://a/", b"ftp://a:21/", b"1http://a/",
                   b"http://u@a/", b"http://u:p@a/", b"http://@a/",
                   b"http://a@b/", b"http://[::1]/", b"http://[::1]:80/",
                   b"http://a?q", b"http://a#f", b"http://a/#f", b"http://b#f",
                   b"http://\x80/", b"http://a\x80/", b"rtsp://a/x",
                   b"http://a:80:80/", b"http://a:x/", b"ht\x80tp://a/",
                   b"http://a, b/"):
        for host in (b"Host: a", b"Host: a:80", b"Host: b", b"Host:", None,
                     b"Host: a:443"):
            yield "target %r, %r" % (target, host), rq(
                b"GET " + target + b" HTTP/1.1", host=host)
    for target in (b"a", b"a:443", b"a:80", b"a:", b":443", b"b:443", b"a:x",
                   b"a:99999", b"http://a/", b"http://a:443/", b"u@a:443",
                   b"[::1]:443", b"[::1]", b"a:443/x", b"a\x80:443", b"a#:443",
                   b"a:443#f", b"a:0443", b"a:-1", b"A:443", b"1.2.3.4:443"):
        for host in (b"Host: a", b"Host: a:443", b"Host: b", None,
                     b"Host: a:80", b"Host:"):
            yield "CONNECT %r, %r" % (target, host), rq(
                b"CONNECT " + target + b" HTTP/1.1", host=host)
    for what, host in (
            ("two equal", b"Host: a\r\nHost: a"), ("two", b"Host: a\r\nHost: b"),
            ("two, in capitals", b"Host: a\r\nHost: A"),
            ("one of two ports", b"Host: a:80:80"),
            ("two with a port", b"Host: a\r\nHost: a:80"),
            ("of a path", b"Host: a/b"), ("with a user", b"Host: u@a"),
            ("of two words", b"Host: a b"), ("a list", b"Host: a, b"),
            ("empty", b"Host:"), ("a bad port", b"Host: a:x"),
            ("empty and one", b"Host:\r\nHost: a"),
            ("NUL", b"Host: \0"), ("a query", b"Host: a?b"),
            ("a fragment", b"Host: a#b")):
        yield "Host: " + what, rq(host=host)
    for what, fields, body in FRAMING:
        yield "framing: " + what, rq(b"POST / HTTP/1.1", *fields, body=body)
        yield "framing of 1.0: " + what, rq(b"POST / HTTP/1.0", *fields,
                                            body=body)
    ws = (b"Connection: Upgrade", b"Upgrade: websocket",
          b"Sec-WebSocket-Version: 13")
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    yield "websocket", rq(b"GET /ws HTTP/1.1", key, *ws)
    yield "websocket without a key", rq(b"GET /ws HTTP/1.1", *ws)
    yield "websocket with an empty key", rq(b"GET /ws HTTP/1.1", *ws,
                                            b"Sec-WebSocket-Key:")
    yield "websocket with a short key", rq(b"GET /ws HTTP/1.1", *ws,
                                           b"Sec-WebSocket-Key: abc")
    yield "websocket by POST", rq(b"POST /ws HTTP/1.1", *ws)
    yield "websocket with two keys", rq(b"GET /ws HTTP/1.1", *ws, key, key)
    yield "expectation", rq(b"GET / HTTP/1.1", b"Expect: x")
    yield "bad name, expectation", rq(b"GET / HTTP/1.1", b"X(: 1", b"Expect: x")
    yield "leading empty lines", b"\r\n\r\n" + rq(b"GET /\x80 HTTP/1.1")
    yield "LF everywhere", rq(eol=b"\n")
    yield "LF and a bad name", rq(b"GET / HTTP/1.1", b"X(: 1", eol=b"\n")
    yield "nothing wrong", rq()
    yield "everything wrong", rq(b"GET http://b/\x80#f RTSP/1.10", b"X(: \0")


STATUS_LINES = [
    b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK",
    b"HTTP/1.1 200\tOK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK",
    b"HTTP/1.1 099 OK", b"HTTP/1.1 000 OK", b"HTTP/1.1 600 OK",
    b"HTTP/1.1 999 OK", b"HTTP/1.1 2x0 OK", b"HTTP/1.1 -20 OK",
    b"HTTP/1.1 OK", b"HTTP/1.1", b"HTTP/1.1 ", b" HTTP/1.1 200 OK", b"",
    b"200 OK", b"garbage", b"HTTP/1.1 200 O\x80K", b"HTTP/1.1 200 O\0K",
    b"HTTP/1.1 200 O\x01K", b"HTTP/1.1 200 O\x7fK", b"HTTP/1.1 200 O\tK",
    b"HTTP/1.1 200 O\rK", b"HTTP/1.1 200  OK", b"HTTP/1.1 200OK",
    b"HTTP/1.1 200 \x80", b"HTTP/1.1 200 \"<>\\^`{|}",
]


def responses():
    yield from in_fields(rs, b"HTTP/1.1 200 OK")
    for v in VERSIONS:
        yield "version " + repr(v), rs(v + b" 200 OK")
        yield "version %r, no length" % v, rs(v + b" 200 OK", length=None,
                                              body=b"abc")
        yield "version %r, chunks" % v, rs(
            v + b" 200 OK", b"Transfer-Encoding: chunked", length=None,
            body=b"3\r\nabc\r\n0\r\n\r\n")
    for line in STATUS_LINES:
        yield "status line " + repr(line), rs(line)
        yield "status line %r and a bad name" % line, rs(line, b"X(: 1")
    for what, fields, body in FRAMING:
        yield "framing: " + what, rs(b"HTTP/1.1 200 OK", *fields, length=None,
                                     body=body)
        yield "framing of 1.0: " + what, rs(b"HTTP/1.0 200 OK", *fields,
                                            length=None, body=body)
    yield "two Hosts", rs(b"HTTP/1.1 200 OK", b"Host: a", b"Host: b")
    yield "no fields", rs(length=None)
    yield "LF everywhere", rs().replace(b"\r\n", b"\n")
    yield "an empty line first", b"\r\n" + rs()
    yield "204 with a bad name", rs(b"HTTP/1.1 204 No", b"X(: 1", length=None)
    yield "304 with a bad name", rs(b"HTTP/1.1 304 No", b"X(: 1", length=None)
    yield "100 with a bad name", rs(b"HTTP/1.1 100 Go", b"X(: 1",
                                    length=None) + rs()
    yield "100 of RTSP", rs(b"RTSP/1.0 100 Go", length=None) + rs()
    yield "101 without a request for it", rs(
        b"HTTP/1.1 101 Sw", b"Upgrade: websocket", b"Connection: Upgrade",
        b"X(: 1", length=None)
    yield "nothing wrong", rs()
    yield "everything wrong", rs(b"RTSP/1.10 200 \x80", b"X(: \0")
