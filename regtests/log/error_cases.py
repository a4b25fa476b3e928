# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between a client, a proxy and a server.

A case is a proxy (mode and lines of configuration) and a function that plays
the client and the server of one exchange. `@case` puts it into CASES.

In the lines {srv} is the address of the server that is played, {dead} one where
nobody listens, {mute} one that answers no SYN, and T the time of a timeout that
is meant to run out (all others are long). Lines up to one that reads "backend"
are the frontend's; without such a line it is one `listen`.
"""
import collections
import socket
import struct
import time

T = 500                         # milliseconds
PATIENCE = 20                   # seconds, for what has to come

Case = collections.namedtuple("Case", "name mode conf lines play")
CASES = []

GET = b"GET /a?b HTTP/1.1\r\nHost: some.host\r\nConnection: close\r\n\r\n"
KEEP = b"GET /k HTTP/1.1\r\nHost: some.host\r\n\r\n"
POST = (b"POST /p HTTP/1.1\r\nHost: some.host\r\nConnection: close\r\n"
        b"Content-Length: 10\r\n\r\n")
CHUNKED = (b"POST /c HTTP/1.1\r\nHost: some.host\r\nConnection: close\r\n"
           b"Transfer-Encoding: chunked\r\n\r\n")
OK = b"HTTP/1.1 200 OK\r\nServer: sv\r\nContent-Length: 5\r\n\r\nhello"
HEAD10 = b"HTTP/1.1 200 OK\r\nServer: sv\r\nContent-Length: 10\r\n\r\n"
HEADCH = b"HTTP/1.1 200 OK\r\nServer: sv\r\nTransfer-Encoding: chunked\r\n\r\n"
HEADOLD = b"HTTP/1.0 200 OK\r\nServer: sv\r\n\r\n"
CRLF2 = b"\r\n\r\n"


class Peer:
    """One side of a connection, which remembers what it saw."""

    def __init__(self, s, settle):
        self.s, self.data, self.settle = s, b"", settle
        self.reset = False              # seen before anything was read
        s.settimeout(PATIENCE)

    def send(self, data):
        self.s.sendall(data)
        return self

    def push(self, data):
        """Send what the other side may refuse."""
        try:
            self.s.sendall(data)
        except OSError:
            pass
        return self

    def take(self, end):
        """Read up to these bytes, or to the end."""
        while end not in self.data:
            part = self.s.recv(65536)
            if not part:
                raise EOFError("the end behind %r" % self.data[-200:])
            self.data += part
        self.rest = self.data[self.data.index(end) + len(end):]
        return self

    def fin(self):
        self.settle()
        self.s.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.settle()
        self.s.close()

    def rst(self):
        self.settle()
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
        self.s.close()

    def end(self):
        """Read to the end: how does it come?"""
        if self.reset:
            return "rst"
        try:
            while True:
                part = self.s.recv(65536)
                if not part:
                    how = "fin"
                    break
                self.data += part
        except ConnectionResetError:
            how = "rst"
        except socket.timeout:
            how = "nothing"
        self.s.close()
        return how


class Play:
    """What a case has in its hands."""

    def __init__(self, port, listener, settle, order):
        self.port, self.listener, self.settle = port, listener, settle
        self.order = order              # of the runtime socket; {px}: the proxy
        self.seen = []

    def client(self, data=b"", rcvbuf=0):
        s = socket.socket()
        if rcvbuf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        c = Peer(s, self.settle)
        try:
            s.connect(("127.0.0.1", self.port))
            c.send(data)
        except ConnectionResetError:    # as quick as that
            c.reset = True
        return c

    def server(self, upto=b""):
        return Peer(self.listener.accept()[0], self.settle).take(upto)

    def late(self, c):
        """A client that leaves when its timeout is over."""
        c.s.settimeout(1.4 * T / 1000)
        return c.end()

    def end(self, c):
        """The status and the end that the client sees."""
        how = c.end()
        self.seen.append(c.data.split(b"\r\n")[0][9:12] if c.data[:5] ==
                         b"HTTP/" else c.data[:9])
        self.seen.append(how)

    def server_end(self, s):
        self.seen.append("server " + s.end())

    def alone(self, data=b""):
        """A client that sends this and waits for the end."""
        self.end(self.client(data))


def case(name, *conf, mode="http", lines=1):
    def add(play):
        CASES.append(Case(name, mode, conf, lines, play))
        return play
    return add


def cases(rows, *conf, **kw):
    """The same play with another configuration, or with another argument."""
    def add(play):
        for name, arg in rows.items():
            CASES.append(Case(name, kw.get("mode", "http"),
                              conf + (arg if isinstance(arg, tuple) else ()),
                              kw.get("lines", 1),
                              lambda x, arg=arg: play(x, arg)))
        return play
    return add


SRV = "server s {srv}"
REQ_T = "timeout http-request %d" % T
CLI_T = "timeout client %d" % T
SRV_T = "timeout server %d" % T
CON_T = "timeout connect %d" % T
KA_T = "timeout http-keep-alive %d" % T
QUE_T = "timeout queue %d" % T

# ---- clients before their request is here ----

HALF = b"GET /half HTTP/1.1\r\nHost: some.h"
STARTS = {"nothing": b"", "a letter": b"G", "a line": b"GET / HTTP/1.1\r\n",
          "half a head": HALF, "an empty line": b"\r\n",
          "a wrong letter": b"\x00"}


@cases({"client sends %s, FIN" % k: v for k, v in STARTS.items()}, SRV)
def start_fin(x, data):
    c = x.client(data)
    c.fin()
    x.end(c)


@cases({"client sends %s, RST" % k: v for k, v in STARTS.items()
        if k not in ("a wrong letter",)}, SRV)
def start_rst(x, data):
    x.client(data).rst()


@cases({"client sends %s, http-request timeout" % k: v
        for k, v in STARTS.items()}, REQ_T, SRV)
def start_stalls(x, data):
    x.alone(data)


@cases({"client sends %s, client timeout" % k: v
        for k, v in STARTS.items()}, CLI_T, SRV)
def start_stalls_client(x, data):
    x.alone(data)


@cases({"client sends %s, dontlognull and timeout" % k: v
        for k, v in list(STARTS.items())[1:5]}, "option dontlognull", REQ_T,
       SRV)
def start_null(x, data):
    x.alone(data)


@cases({"client sends %s, probes ignored" % k: v
        for k, v in list(STARTS.items())[1:5]}, "option http-ignore-probes",
       REQ_T, SRV)
def start_probe(x, data):
    x.alone(data)


# ---- between two requests of a connection ----

SECOND = {"nothing": (b"", 1), "half a head": (HALF, 2),
          "garbage": (b"GARBAGE\r\n\r\n", 2)}


def second(name, conf, finish):
    for k, (data, lines) in SECOND.items():
        def play(x, data=data):
            c = x.client(KEEP)
            s = x.server(CRLF2).send(OK)
            c.take(b"hello")
            finish(x, c.send(data))
            s.close()
        CASES.append(Case("second request is %s, %s" % (k, name), "http", conf,
                          lines, play))


second("FIN", (SRV,), lambda x, c: x.end(c.fin()))
second("keep-alive timeout", (KA_T, REQ_T, SRV), lambda x, c: x.end(c))
second("http-request timeout", (REQ_T, SRV), lambda x, c: x.end(c))
second("client timeout", (CLI_T, SRV), lambda x, c: x.end(c))

# ---- what no parser takes ----

LONG = b"x" * 20000
BAD = {
    "no version": b"GET /\r\n\r\n", "two words": b"GET /a\r\nHost: x\r\n\r\n",
    "four words": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a version in small letters": b"GET /a http/1.1\r\nHost: x\r\n\r\n",
    "a control byte in the target": b"GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space before a colon": b"GET /a HTTP/1.1\r\nHost : x\r\n\r\n",
    "no colon": b"GET /a HTTP/1.1\r\nHost: x\r\nNothing\r\n\r\n",
    "a field without a name": b"GET /a HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
    "a folded line at first": b"GET /a HTTP/1.1\r\n Host: x\r\n\r\n",
    "two lengths": b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\n",
    "a length of letters": b"POST /a HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: abc\r\n\r\n",
    "a negative length": b"POST /a HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: -1\r\n\r\n",
    "two hosts": b"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a host beside another": b"GET http://z/a HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT with a path": b"CONNECT /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long target": b"GET /" + LONG + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long field": b"GET /a HTTP/1.1\r\nHost: x\r\nX: " + LONG + CRLF2,
    "many fields": b"GET /a HTTP/1.1\r\nHost: x\r\n" + b"".join(
        b"X%d: y\r\n" % i for i in range(150)) + b"\r\n",
    "a response": b"HTTP/1.1 200 OK\r\n\r\n",
    "a handshake of TLS": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" +
    b"\x00" * 40,
    "a method with a bracket": b"GE(T /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a coding nobody knows": b"POST /a HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: foo\r\n\r\n",
}


@cases({"request has " + k: v for k, v in BAD.items()}, SRV)
def bad_request(x, data):
    c = x.client()
    c.push(data)
    x.end(c)


# ---- clients in their body ----

def buffered(name, conf, finish, lines=1):
    for k, data in {"a length": POST + b"half", "no body yet": POST,
                    "chunks": CHUNKED + b"3\r\nabc\r\n5\r\nd"}.items():
        def play(x, data=data):
            finish(x, x.client(data))
        CASES.append(Case("buffered body of %s, %s" % (k, name), "http", conf +
                          (SRV,), lines, play))


BUFFER = "option http-buffer-request"
buffered("FIN", (BUFFER,), lambda x, c: x.end(c.fin()))
buffered("RST", (BUFFER,), lambda x, c: c.rst())
buffered("http-request timeout", (BUFFER, REQ_T), lambda x, c: x.end(c))
buffered("client timeout", (BUFFER, CLI_T), lambda x, c: x.end(c))
buffered("waiting rule's timeout",
         ("http-request wait-for-body time %d" % T,), lambda x, c: x.end(c))


@case("buffered chunks are bad", "option http-buffer-request", SRV)
def buffered_bad(x):
    x.alone(CHUNKED + b"zz\r\nabc\r\n")


def body(name, conf, finish, answer=b""):
    """Half a body is with the server, which may have answered."""
    for k, (data, upto) in {"a length": (POST + b"half", b"half"),
                            "chunks": (CHUNKED + b"4\r\nhalf\r\n", b"half"),
                            }.items():
        def play(x, data=data, upto=upto):
            c = x.client(data)
            s = x.server(upto)
            if answer:
                s.send(answer)
                c.take(answer[-5:])
            finish(x, c, s)
        CASES.append(Case("body of %s, %s" % (k, name), "http", conf + (SRV,),
                          1, play))


def ends_both(x, c, s):
    x.end(c)
    x.server_end(s)


def server_ends(x, c, s):
    x.server_end(s)
    x.end(c)


def client_rst(x, c, s):
    c.rst()
    x.server_end(s)


def client_bad_chunk(x, c, s):
    c.send(b"zz\r\n")
    ends_both(x, c, s)


for when, answer in {"": b"", " after half the response": HEAD10 + b"hello",
                     " after the response": OK}.items():
    body("FIN" + when, (), lambda x, c, s: ends_both(x, c.fin(), s), answer)
    body("RST" + when, (), client_rst, answer)
    body("client timeout" + when, (CLI_T,), lambda x, c, s: x.late(c), answer)
    if answer != OK:
        body("server FIN" + when, (), lambda x, c, s: ends_both(x, c, s.fin()),
             answer)
        body("server RST" + when, (), lambda x, c, s: (s.rst(), x.end(c)),
             answer)
    else:
        body("server FIN, client FIN" + when, (), lambda x, c, s: (
            s.fin(), ends_both(x, c.fin(), s)), answer)
        body("server RST, client FIN" + when, (), lambda x, c, s: (
            s.rst(), x.end(c.fin())), answer)


@cases({"chunk is bad before a response": b"",
        "chunk is bad after half the response": HEAD10 + b"hello"}, SRV)
def chunk_bad(x, answer):
    c = x.client(CHUNKED + b"4\r\nhalf\r\n")
    s = x.server(b"half")
    if answer:
        s.send(answer)
        c.take(b"hello")
    client_bad_chunk(x, c, s)


# ---- clients that wait for the response ----

@cases({"client FIN while it waits": (), "client FIN, abortonclose": (
    "option abortonclose",)})
def waits_fin(x, conf):
    c = x.client(GET)
    s = x.server(CRLF2)
    c.fin()
    if conf:
        x.server_end(s)
    else:
        s.send(OK)
    x.end(c)


CASES[-1] = CASES[-1]._replace(conf=("option abortonclose", SRV))
CASES[-2] = CASES[-2]._replace(conf=(SRV,))


@case("client RST while it waits", "option abortonclose", SRV)
def waits_rst(x):
    c = x.client(GET)
    s = x.server(CRLF2)
    c.rst()
    x.server_end(s)


@case("client is silent longer than its timeout while it waits", CLI_T, SRV)
def waits_long(x):
    c = x.client(GET)
    s = x.server(CRLF2)
    c.s.settimeout(T / 500)
    try:
        c.s.recv(1)
        x.seen.append("early")
    except socket.timeout:
        x.seen.append("waits")
    c.s.settimeout(PATIENCE)
    s.send(OK)
    x.end(c)


# ---- clients during the response ----

def response(name, conf, finish):
    for k, (head, more) in {
            "a length": (HEAD10, b"wor"),
            "chunks": (HEADCH + b"5\r\n", b"\r\n3\r\nwor"),
            "no length": (HEADOLD, b"wor")}.items():
        def play(x, head=head, more=more):
            c = x.client(GET)
            s = x.server(CRLF2).send(head + b"hello")
            s.more = more
            finish(x, c.take(b"hello"), s)
        CASES.append(Case("response of %s, %s" % (k, name), "http", conf +
                          (SRV,), 1, play))


response("client RST", (), lambda x, c, s: (
    c.rst(), x.server_end(s.push(s.more))))
response("client FIN, abortonclose", ("option abortonclose",),
         lambda x, c, s: server_ends(x, c.fin(), s))
response("server FIN", (), lambda x, c, s: ends_both(x, c, s.fin()))
response("server RST", (), lambda x, c, s: (s.rst(), x.end(c)))
response("server timeout", (SRV_T,), server_ends)
response("both timeouts", (SRV_T, CLI_T), server_ends)


@case("response of chunks, a bad one", SRV)
def response_bad_chunk(x):
    c = x.client(GET)
    s = x.server(CRLF2).send(HEADCH + b"5\r\nhello\r\n")
    c.take(b"hello")
    s.send(b"zz\r\n")
    ends_both(x, c, s)


@case("response of chunks, a bad one at once", SRV)
def response_bad_chunk_at_once(x):
    c = x.client(GET)
    s = x.server(CRLF2).send(HEADCH + b"zz\r\n")
    ends_both(x, c, s)


@case("response of chunks, bad behind a chunk", SRV)
def response_bad_chunk_end(x):
    c = x.client(GET)
    s = x.server(CRLF2).send(HEADCH + b"5\r\nhelloXX")
    ends_both(x, c, s)


@case("response cut between chunks", SRV)
def response_cut_between(x):
    c = x.client(GET)
    s = x.server(CRLF2).send(HEADCH + b"5\r\nhello\r\n")
    c.take(b"hello")
    ends_both(x, c, s.fin())


@case("response cut in its trailers", SRV)
def response_cut_trailers(x):
    c = x.client(GET)
    s = x.server(CRLF2).send(HEADCH + b"5\r\nhello\r\n0\r\nA: b")
    c.take(b"hello")
    ends_both(x, c, s.fin())


@cases({"response for HTTP/1.0 of a length is cut": HEAD10,
        "response for HTTP/1.0 of chunks is cut": HEADCH + b"5\r\n",
        "response for HTTP/1.0 of no length is cut": HEADOLD,
        "response of HTTP/1.0 for HTTP/1.0 of a length is cut":
        HEAD10.replace(b"/1.1", b"/1.0")}, SRV)
def response_old_cut(x, head):
    c = x.client(b"GET /o HTTP/1.0\r\n\r\n")
    s = x.server(CRLF2).send(head + b"hello")
    c.take(b"hello")
    ends_both(x, c, s.fin())


@cases({"response for a kept client of a length is cut": HEAD10,
        "response for a kept client of chunks is cut": HEADCH + b"5\r\n",
        "response for a kept client of no length ends": HEADOLD}, SRV)
def response_kept_cut(x, head):
    c = x.client(KEEP)
    s = x.server(CRLF2).send(head + b"hello")
    c.take(b"hello")
    ends_both(x, c, s.fin())


@cases({"response of a length is cut at once": HEAD10,
        "response of chunks is cut at once": HEADCH}, SRV)
def response_cut_at_once(x, head):
    c = x.client(GET)
    s = x.server(CRLF2).send(head).fin()
    ends_both(x, c, s)


@case("client does not read its response", CLI_T, SRV)
def unread(x):
    c = x.client(GET, rcvbuf=4096)
    s = x.server(CRLF2).send(HEAD10.replace(b"10", b"90000000"))
    c.take(CRLF2)
    try:
        while True:
            s.s.sendall(b"x" * 65536)
    except OSError:
        pass
    c.close()


# ---- servers before their response ----

DUMMY = {"at once": b"", "behind half a head": b"HTTP/1.1 200 OK\r\nServ",
         "behind a letter": b"H", "behind a 100": b"HTTP/1.1 100 C\r\n\r\n"}


def answer(name, conf, finish):
    for k, data in DUMMY.items():
        def play(x, data=data):
            c = x.client(GET)
            finish(x, c, x.server(CRLF2).send(data))
        CASES.append(Case("server %s %s" % (name, k), "http", conf + (SRV,), 1,
                          play))


answer("FIN", (), lambda x, c, s: (s.close(), x.end(c)))
answer("RST", (), lambda x, c, s: (s.rst(), x.end(c)))
answer("stalls", (SRV_T,), server_ends)

ODD = {
    "no response": b"garbage\r\n\r\n", "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of 600": b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nServer\r\n\r\n",
    "a space before a colon": b"HTTP/1.1 200 OK\r\nServer : x\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\n",
    "a length of letters": b"HTTP/1.1 200 OK\r\nContent-Length: a\r\n\r\n",
    "a long head": b"HTTP/1.1 200 OK\r\nServer: " + LONG + CRLF2,
    "a long unfinished head": b"HTTP/1.1 200 OK\r\nServer: " + LONG,
    "many fields": b"HTTP/1.1 200 OK\r\n" + b"".join(
        b"X%d: y\r\n" % i for i in range(150)) + b"\r\n",
    "an unasked upgrade": b"HTTP/1.1 101 S\r\nUpgrade: x\r\n"
    b"Connection: upgrade\r\n\r\n",
    "a folded first line": b"HTTP/1.1 200 OK\r\n Server: x\r\n\r\n",
}


@cases({"response has " + k: v for k, v in ODD.items()}, SRV)
def odd_response(x, data):
    c = x.client(GET)
    s = x.server(CRLF2)
    s.push(data)
    x.end(c)
    s.close()


# ---- servers that are not reached ----

RE = "option redispatch"
NOWHERE = {
    "refused": ("retries 0", "server s {dead}"),
    "refused thrice": ("retries 2", CON_T, "server s {dead}"),
    "refused, redispatched": ("retries 1", RE, "balance first", CON_T,
                              "server d {dead}", "server s {srv}"),
    "refused everywhere": ("retries 2", RE, "balance first", CON_T,
                           "server d {dead}", "server s {dead}"),
    "refused, redispatch 1": ("retries 3", RE + " 1", "balance first", CON_T,
                              "server d {dead}", "server s {srv}"),
    "refused, redispatch -2": ("retries 3", RE + " -2", "balance first", CON_T,
                               "server d {dead}", "server s {srv}"),
    "refused, redispatched to a backup": (
        "retries 1", RE, CON_T, "server d {dead}", "server s {srv} backup"),
    "refused, redispatch 1, alone": ("retries 1", RE + " 1", CON_T,
                                     "server d {dead}"),
    "refused, redispatched in turn": (
        "retries 3", RE, "balance roundrobin", "server d {dead}",
        "server e {dead}", "server s {srv}"),
    "refused, redispatched to the idle": (
        "retries 3", RE, "balance leastconn", "server d {dead}",
        "server e {dead}", "server s {srv}"),
    "refused, redispatched, was wanted": (
        "retries 2", RE, CON_T, "use-server d if TRUE", "server d {dead}",
        "server s {srv}"),
    "mute": ("retries 0", CON_T, "server s {mute}"),
    "mute twice": ("retries 1", CON_T, "server s {mute}"),
    "mute, redispatched": ("retries 1", RE, "balance first", CON_T,
                           "server d {mute}", "server s {srv}"),
    "disabled": ("server s {srv} disabled",),
    "not there": (),
    "chosen, but disabled": ("server s {srv} disabled", "server t {srv}",
                             "use-server s if TRUE", "option persist"),
    "down for a cookie": ("cookie C insert indirect",
                          "server s {srv} cookie a disabled",
                          "server t {srv} cookie b"),
}


def is_reached(conf):
    return any("{srv}" in line and not line.endswith(("disabled", "backup"))
               for line in conf)


@cases({"server is " + k: v for k, v in NOWHERE.items()})
def nowhere(x, conf):
    c = x.client(GET.replace(b"\r\n\r\n", b"\r\nCookie: C=a\r\n\r\n"))
    if is_reached(conf):
        s = x.server(CRLF2)
        s.send(OK).close()
    x.end(c)


@cases({"server is refused, " + k: v for k, v in NOWHERE.items()
        if v and k in ("refused", "refused thrice", "mute", "disabled")},
       "option http-buffer-request")
def nowhere_body(x, conf):
    x.alone(POST + b"0123456789")


@cases({"client %s while the server is %s" % (how, k): (how,) and (v + ("# " +
        how,)) for how in ("RST", "FIN") for k, v in {
            "mute": ("timeout connect 5s", "server s {mute}"),
            "tried again": ("timeout connect 5s", "retries 3",
                            "server s {dead}")}.items()},
       "option abortonclose")
def nowhere_leaves(x, conf):
    c = x.client(GET)
    if "RST" in conf[-1]:
        c.rst()
    else:
        x.end(c.fin())


# ---- tries where a hash leads ----

HASHES = {"uri": ("balance uri",), "source": ("balance source",),
          "uri, consistent": ("balance uri", "hash-type consistent"),
          "a field that is not there": ("balance hdr(x-none)",),
          "round robin": ("balance roundrobin",),
          "leastconn": ("balance leastconn",)}
AMONG = {"one": ("server d {dead}",),
         "one and a backup": ("server d {dead}", "server e {dead} backup"),
         "two": ("server d {dead}", "server e {dead}"),
         "two, one of no weight": ("server d {dead} weight 0",
                                   "server e {dead}")}
AGAINS = {"no redispatch": ("no option redispatch",), "redispatch": (RE,),
          "redispatch 1": (RE + " 1",), "redispatch 2": (RE + " 2",),
          "redispatch -2": (RE + " -2",), "redispatch -3": (RE + " -3",),
          "redispatch 0": (RE + " 0",)}


for how, hash_conf in HASHES.items():
    for among, servers in AMONG.items():
        for again, re_conf in AGAINS.items():
            if again == "redispatch 0" and hash_conf[0] in (
                    "balance roundrobin", "balance leastconn"):
                continue        # 2.6 does not heed it then (manual 4.2)
            conf = (CON_T, "retries 3") + hash_conf + re_conf + servers
            name = "tries by %s at %s, %s" % (how, among, again)
            CASES.append(Case(name, "http", conf, 1, lambda x: x.alone(GET)))
            if how in ("source", "round robin"):
                CASES.append(Case("tcp, " + name, "tcp", conf, 1,
                                  lambda x: x.alone(b"hello")))
# (2.6 divides by zero when N is -retries - 1)
for retries, n in (6, -5), (6, -4), (6, -3), (5, -4), (6, -2), (1, -3), (2, -2), \
        (1, -1), (4, 3):
    CASES.append(Case("%d tries of a redispatch %d" % (retries, n), "http", (
        "timeout connect 100", "balance uri", "retries %d" % retries,
        RE + " %d" % n) + AMONG["two"], 1, lambda x: x.alone(GET)))

# ---- queues ----

def queued(name, conf, finish):
    def play(x):
        hold = x.client(KEEP.replace(b"/k", b"/hold"))
        held = x.server(CRLF2)
        c = x.client(GET)
        finish(x, c)
        held.send(OK)
        hold.take(b"hello")
        hold.close()
        held.close()
    CASES.append(Case("in the queue, " + name, "http", ("timeout queue 60s",) +
                      conf, 2, play))


queued("timeout", (QUE_T, SRV + " maxconn 1"), lambda x, c: x.end(c))
queued("client FIN", ("option abortonclose", SRV + " maxconn 1"),
       lambda x, c: x.end(c.fin()))
queued("client RST", ("option abortonclose", SRV + " maxconn 1"),
       lambda x, c: c.rst())
queued("timeout, of two servers", (
    QUE_T, "balance first", SRV + " maxconn 1",
    "server d {srv} maxconn 1 disabled"), lambda x, c: x.end(c))
queued("timeout, for its cookie", (
    QUE_T, "cookie C", SRV + " maxconn 1 cookie a"), lambda x, c: x.end(c))

# ---- the request is sent again ----

AGAIN = {
    "empty-response": b"", "junk-response": b"garbage\r\n\r\n",
    "503": b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n",
    "all-retryable-errors": b"",
    "none": b"", "conn-failure": b"",
}


def again(kind, data, good, more=()):
    def play(x):
        c = x.client(GET)
        for i in range(2):
            s = x.server(CRLF2).send(OK if good and i else data)
            s.close()
            if kind in ("none", "conn-failure"):
                break
        x.end(c)
    CASES.append(Case("retry-on %s%s, %s" % (kind, " redispatched" if more else
                      "", "well" if good else "in vain"), "http", (
                          "retry-on " + kind, "retries 1") + more + (SRV,), 1,
                      play))


for kind, data in AGAIN.items():
    again(kind, data, True)
    again(kind, data, False)
again("empty-response", b"", True, (RE, "server t {srv}"))
again("empty-response", b"", False, (RE, "server t {srv}"))


@cases({"retry-on response-timeout, well": (OK,), "in vain": (b"",)})
def again_timeout(x, arg):
    c = x.client(GET)
    first = x.server(CRLF2)
    s = x.server(CRLF2)
    if arg[0]:
        s.send(OK)
    x.end(c)
    first.close()
    s.close()


for i in -1, -2:
    CASES[i] = CASES[i]._replace(conf=("retry-on response-timeout", "retries 1",
                                       SRV_T, SRV))


@case("retry-on empty-response, a refused connection is in vain",
      "retry-on conn-failure empty-response", "retries 2", CON_T,
      "server s {dead}")
def again_refused(x):
    x.alone(GET)


# ---- rules ----

INSPECT = "tcp-request inspect-delay %d" % T
RULES = {
    "connection reject": ("tcp-request connection reject",),
    "session reject": ("tcp-request session reject",),
    "content reject": ("tcp-request content reject",),
    "content reject, of HTTP": ("tcp-request content reject if "
                                "{ path -m found }",),
    "deny": ("http-request deny",),
    "deny 429": ("http-request deny deny_status 429",),
    "tarpit": ("http-request tarpit", "timeout tarpit %d" % T),
    "tarpit 429": ("http-request tarpit deny_status 429",
                   "timeout tarpit %d" % T),
    "reject": ("http-request reject",),
    "return": ("http-request return status 404",),
    "return 200": ("http-request return status 200",),
    "redirect": ("http-request redirect location /x",),
    "redirect without a rule": ("redirect location /x",),
    "auth": ("http-request auth",),
    "silent-drop": ("http-request silent-drop",),
    "tcp silent-drop": ("tcp-request content silent-drop",),
    "monitor-uri fail": ("monitor-uri /a?b", "monitor fail if TRUE"),
    "strict": ("http-request strict-mode on",
               "http-request set-header X %%[str(%s)]" % ("y" * 15),
               "http-request deny"),
    "errorfile by name": ("http-request return status 500 default-errorfiles",),
    "cond": ("http-request deny if { path_beg /a } { method GET }",),
    "send-spoe": ("http-request deny status 503",),
}


@cases({"request rule: " + k: v for k, v in RULES.items()})
def rule_request(x, conf):
    c = x.client()
    c.push(GET)
    if any("silent-drop" in line for line in conf):
        return
    if not any("connection" in line for line in conf):
        x.end(c)


for i, one in enumerate(CASES):
    if one.name.startswith("request rule: "):
        none = "connection" in one.name
        CASES[i] = one._replace(conf=one.conf + (SRV,), lines=0 if none else 1)

BACKEND_RULES = {k: RULES[k] for k in RULES
                 if RULES[k][0].startswith("http-request") or k in (
                     "content reject", "redirect without a rule")}


@cases({"backend's rule: " + k: ("backend",) + v + (SRV,)
        for k, v in BACKEND_RULES.items() if "silent" not in k})
def rule_backend(x, conf):
    x.alone(GET)


@cases({"service for " + k.decode().split()[0]: k for k in (
    GET.replace(b"a?b", b"m?scope=global"),
    POST.replace(b"/p", b"/m?scope=global") + b"0123456789")},
       "http-request use-service prometheus-exporter", SRV)
def rule_service(x, data):
    x.alone(data)


@cases({"rule of the body: " + k: v + (SRV,) for k, v in RULES.items()
        if v[0].startswith("http-request") and "silent" not in k and
        k != "cond"})
def rule_body(x, conf):
    x.alone(POST + b"half")


RES_RULES = {
    "deny": ("http-response deny",),
    "deny 404": ("http-response deny deny_status 404",),
    "return": ("http-response return status 404",),
    "redirect": ("http-response redirect location /x",),
    "tcp reject": ("tcp-response content reject",),
    "tcp close": ("tcp-response content close",),
    "in the backend": ("backend", "http-response deny"),
    "checkcache, mended": ("option checkcache",
                           "http-response del-header Set-Cookie # mended"),
    "checkcache, mended otherwise": (
        "option checkcache", "http-response set-header Cache-Control private # mended"),
    "checkcache": ("option checkcache",
                   "http-response set-header Set-Cookie x=y"),
}


@cases({"response rule: " + k: v + (SRV,) for k, v in RES_RULES.items()})
def rule_response(x, conf):
    c = x.client(GET)
    s = x.server(CRLF2).push(OK.replace(b"\r\nC", b"\r\nSet-Cookie: a=b\r\nC")
                             if any("mended" in line for line in conf) else OK)
    x.end(c)
    s.close()


@cases({"response rule of an upload: " + k: v + (SRV,)
        for k, v in RES_RULES.items() if "tcp" not in k and "cache" not in k})
def rule_upload(x, conf):
    c = x.client(POST + b"half")
    s = x.server(b"half").push(OK)
    x.end(c)
    s.close()


@cases({"tarpit, client " + how: (
    "http-request tarpit", "timeout tarpit 60s", "option abortonclose", SRV,
    "# " + how) for how in ("FIN", "RST")})
def tarpit_leaves(x, conf):
    c = x.client(GET)
    if "RST" in conf[-1]:
        c.rst()
    else:
        x.end(c.fin())


@case("inspect-delay runs out", INSPECT,
      "tcp-request content reject if !{ req.len gt 9000 } WAIT_END", SRV)
def inspect_out(x):
    x.alone(GET)


@case("inspect-delay, no request", INSPECT,
      "tcp-request content accept if { path -m found }", REQ_T, SRV)
def inspect_none(x):
    x.alone(b"GET / HT")


@case("wait-for-body of the response runs out",
      "http-response wait-for-body time %d" % T, SRV)
def wait_response(x):
    c = x.client(GET)
    s = x.server(CRLF2).send(HEAD10 + b"hello")
    ends_both(x, c, s)


# ---- rules wait for what does not come ----

LONG_WAIT = "tcp-request inspect-delay 60s"
UNMET = "tcp-request content reject if { req.len gt 9000 }"
INSPECTED = {"": (LONG_WAIT, UNMET),
             ", in the backend": ("backend", LONG_WAIT, UNMET)}
SAID = {"nothing": b"", "a word": b"hello"}


def paused(c, data, times=3):
    """Send this again and again, sooner than a timeout."""
    for _ in range(times):
        time.sleep(0.6 * T / 1000)
        c.push(data)


for mode, words in ("tcp", SAID), ("http", dict(
        SAID, request=GET, **{"half a head": HALF, "half a body": POST})):
    for k, data in words.items():
        for where, conf in INSPECTED.items():
            CASES.append(Case(
                "inspection%s of %s, client timeout, mode %s" % (
                    where, k, mode), mode, (CLI_T,) + conf + (SRV,), 1,
                lambda x, data=data: x.alone(data)))


def inspection(name, conf, finish, mode="tcp"):
    CASES.append(Case("inspection, " + name, mode, conf, 1, finish))


def answered(x, c, upto):
    s = x.server(upto).send(b"there")
    c.take(b"there")
    c.close()
    s.close()


inspection("client timeout while it still sends", (
    CLI_T, LONG_WAIT, "tcp-request content accept if { req.len gt 12 }", SRV),
    lambda x: (paused(c := x.client(b"hello"), b"hey"),
               answered(x, c, b"hey" * 3)))
inspection("client timeout, it sends and stalls", (
    CLI_T, LONG_WAIT, UNMET, SRV),
    lambda x: (paused(c := x.client(b"hello"), b"hey"), x.end(c)))
inspection("client timeout is longer", (
    "timeout client %d" % (3 * T), INSPECT, UNMET, SRV),
    lambda x: answered(x, x.client(b"hello"), b"hello"))
GETS_MORE = "tcp-request content accept if { req.len gt 8 }"
for k, conf in {"": (), " behind it": (LONG_WAIT, GETS_MORE)}.items():
    for name, more in {
            "server is mute": ("timeout connect 60s", "server s {mute}"),
            "server is mute as long": (
                "timeout connect %d" % (4 * T), "retries 0", "server s {mute}"),
            "server is refused": (
                "timeout connect 60s", "retries 3", "server s {dead}"),
            }.items():
        inspection("client timeout, %s%s" % (name, k), (CLI_T,) + conf + more,
                   lambda x: (paused(c := x.client(b"hello"), b"more", 1),
                              x.seen.append(x.late(c))))
        CASES[-1] = CASES[-1]._replace(lines=int("is mute" != name[-7:]))

RES_WAIT = "tcp-response inspect-delay 60s"
for name, more in ("client timeout", (CLI_T,)), ("server timeout", (SRV_T,)), \
        ("both timeouts", (CLI_T, SRV_T)):
    for data in b"", b"he":
        inspection("response of %d bytes, %s" % (len(data), name), more + (
            RES_WAIT, "tcp-response content reject if { res.len gt 9000 }",
            SRV), lambda x, data=data: (
                c := x.client(b"hello"), s := x.server(b"hello").send(data),
                x.seen.append(x.late(c)), s.close()))
    for k, data in {"nothing": b"", "half a head": HEAD10[:30]}.items():
        inspection("http response of %s, %s" % (k, name), more + (
            RES_WAIT, "tcp-response content reject if { res.hdr(x) -m found }",
            SRV), lambda x, data=data: (
                c := x.client(GET), s := x.server(CRLF2).send(data),
                x.seen.append(x.late(c)), s.close()), "http")
BODY_WAIT = "wait-for-body time 60s"
for k, conf in {"": (), ", in the backend": ("backend",)}.items():
    inspection("wait-for-body, client timeout" + k, (
        CLI_T,) + conf + ("http-request " + BODY_WAIT, SRV),
        lambda x: x.alone(POST + b"half"), "http")
    inspection("wait-for-body, client timeout, it sends and stalls" + k, (
        CLI_T,) + conf + ("http-request " + BODY_WAIT, SRV),
        lambda x: (paused(c := x.client(POST + b"half"), b"h", 2), x.end(c)),
        "http")
for k, t in ("client", CLI_T), ("server", SRV_T):
    inspection("wait-for-body of the response, %s timeout" % k, (
        t, "http-response " + BODY_WAIT, SRV),
        lambda x: (c := x.client(GET),
                   s := x.server(CRLF2).send(HEAD10 + b"hello"),
                   x.seen.append(x.late(c)), s.close()), "http")


# ---- tunnels ----

UPGRADE = (b"GET /u HTTP/1.1\r\nHost: some.host\r\nUpgrade: x\r\n"
           b"Connection: upgrade\r\n\r\n")
SWITCH = b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"


def tunnel(name, conf, finish):
    def play(x):
        c = x.client(UPGRADE)
        s = x.server(CRLF2).send(SWITCH + b"ping")
        finish(x, c.take(b"ping"), s)
    CASES.append(Case("tunnel, " + name, "http", conf + (SRV,), 1, play))


TUN_T = "timeout tunnel %d" % T
tunnel("client FIN", (), lambda x, c, s: (x.server_end(s) if c.fin() else 0,
                                          x.end(c)))
tunnel("server FIN", (), lambda x, c, s: (s.fin(), x.end(c), x.server_end(s)))
tunnel("client RST", (), client_rst)
tunnel("server RST", (), lambda x, c, s: (s.rst(), x.end(c)))
tunnel("tunnel timeout", (TUN_T,), ends_both)
tunnel("client timeout", (CLI_T,), lambda x, c, s: x.late(c))
tunnel("server timeout", (SRV_T,), ends_both)
tunnel("client-fin timeout", ("timeout client-fin %d" % T,),
       lambda x, c, s: x.late(c.fin()))
tunnel("server-fin timeout", ("timeout server-fin %d" % T,),
       lambda x, c, s: (s.fin(), x.end(c), x.server_end(s)))

# ---- mode tcp ----


def tcp(name, conf, finish, lines=1):
    CASES.append(Case("tcp, " + name, "tcp", conf, lines, finish))


def exchange(x):
    c = x.client(b"hello\n")
    s = x.server(b"hello\n").send(b"there")
    return c.take(b"there"), s


def tcp_live(name, conf, finish):
    tcp(name, conf + (SRV,), lambda x: finish(x, *exchange(x)))


tcp_live("client FIN, server FIN", (), lambda x, c, s: (
    c.fin(), x.server_end(s), x.end(c)))
tcp_live("server FIN, client FIN", (), lambda x, c, s: (
    s.fin(), x.end(c), x.server_end(s)))
tcp_live("client RST", (), client_rst)
tcp_live("server RST", (), lambda x, c, s: (s.rst(), x.end(c)))
tcp_live("client timeout", (CLI_T,), lambda x, c, s: x.late(c))
tcp_live("server timeout", (SRV_T,), ends_both)
tcp_live("tunnel timeout", (TUN_T,), ends_both)
tcp_live("client FIN, server-fin timeout", ("timeout server-fin %d" % T,),
         lambda x, c, s: (c.fin(), x.end(c), x.server_end(s)))
tcp_live("client FIN, client-fin timeout", ("timeout client-fin %d" % T,),
         lambda x, c, s: x.late(c.fin()))
tcp_live("server FIN, client-fin timeout", ("timeout client-fin %d" % T,),
         lambda x, c, s: (s.fin(), x.end(c), x.server_end(s)))
tcp_live("server FIN, server-fin timeout", ("timeout server-fin %d" % T,),
         lambda x, c, s: (s.fin(), x.end(c), x.server_end(s)))
tcp_live("client FIN, server timeout", (SRV_T,),
         lambda x, c, s: (c.fin(), x.end(c), x.server_end(s)))
tcp_live("server FIN, client timeout", (CLI_T,),
         lambda x, c, s: (s.fin(), x.end(c), x.server_end(s)))

for k, conf in NOWHERE.items():
    if "cookie" in k:
        continue

    def play(x, conf=conf):
        c = x.client(b"hello\n")
        if is_reached(conf):
            s = x.server(b"hello\n")
            s.send(b"there")
            s.close()
        x.end(c)
    tcp("server is " + k, conf, play)

tcp("server closes at once", (SRV,), lambda x: [
    c := x.client(), x.server().close(), x.end(c)])
tcp("server resets at once", (SRV,), lambda x: [
    c := x.client(), x.server().rst(), x.end(c)])
tcp("client closes at once", (SRV,), lambda x: [
    c := x.client().fin(), x.server_end(x.server()), x.end(c)])
tcp("client resets while the server is mute", ("server s {mute}",),
    lambda x: x.client().rst())
tcp("client closes while the server is mute", (
    CON_T, "retries 0", "server s {mute}"), lambda x: x.end(x.client().fin()))
tcp("client closes while the server is mute, abortonclose", (
    "option abortonclose", "server s {mute}"),
    lambda x: x.end(x.client().fin()))
tcp("connection reject", ("tcp-request connection reject", SRV),
    lambda x: x.end(x.client()), 0)
tcp("session reject", ("tcp-request session reject", SRV),
    lambda x: x.end(x.client()))
tcp("content reject", ("tcp-request content reject", SRV),
    lambda x: x.end(x.client()))
tcp("content reject in the backend", (
    "backend", "tcp-request content reject", SRV),
    lambda x: x.end(x.client()))
tcp("content reject after a delay", (
    INSPECT, "tcp-request content reject if WAIT_END", SRV),
    lambda x: x.end(x.client()))
tcp("content waits, client FIN", (
    "tcp-request inspect-delay 60s",
    "tcp-request content reject if { req.len gt 9000 }", SRV),
    lambda x: [c := x.client(b"hello").fin(), s := x.server(b"hello"),
               x.server_end(s), x.end(c)])
tcp("content waits, client RST", (
    "tcp-request inspect-delay 60s",
    "tcp-request content reject if { req.len gt 9000 }", SRV),
    lambda x: x.client(b"hello").rst())
tcp("response reject", ("tcp-response content reject", SRV),
    lambda x: x.end(x.client()))
tcp("response close", ("tcp-response content close", SRV),
    lambda x: x.end(x.client()))


def tcp_queued(name, conf, finish):
    def play(x):
        hold = x.client(b"hold")
        held = x.server(b"hold")
        c = x.client(b"hello")
        finish(x, c)
        held.close()
        x.end(hold)
    tcp("in the queue, " + name, ("timeout queue 60s",) + conf +
        (SRV + " maxconn 1",), play, 2)


tcp_queued("timeout", (QUE_T,), lambda x, c: x.end(c))
tcp_queued("client RST", (), lambda x, c: c.rst())
tcp_queued("client FIN, abortonclose", ("option abortonclose",),
           lambda x, c: x.end(c.fin()))
