# SPDX-License-Identifier: Apache-2.0
"""What ends a session beside errors, for manual chapter 8.5: an administrator
(K), a server that is marked down (D) or a backup that is left (U), a source port
that is not to be had (RC), last data (L); and the letters of cookies.
"""
import time

from error_cases import (CASES, CLI_T, CRLF2, GET, HEAD10, OK, POST, RE, SRV,
                         Case, T, case, ends_both, exchange)


def state(name, mode, conf, finish, lines=1):
    CASES.append(Case("state, " + name, mode, conf, lines, finish))


# ---- an administrator, a server's mark ----

DOWN = SRV + " on-marked-down shutdown-sessions"
UP = (SRV + " on-marked-up shutdown-backup-sessions disabled",
      SRV.replace(" s ", " t ") + " backup")
ORDERS = {
    "shutdown sessions": ((SRV,), "shutdown sessions server {px}/s"),
    "maintenance": ((DOWN,), "disable server {px}/s"),
    "back from a backup": (UP, "enable server {px}/s"),
}


def undo(x, line):
    """For the next time that it is played."""
    for word, other in ("disable", "enable"), ("enable", "disable"):
        if line.startswith(word):
            x.order(line.replace(word, other))
            return


def killed_waiting(x):
    return x.client(GET), x.server(CRLF2)


def killed_sending(x):
    return x.client(POST + b"half"), x.server(b"half")


def killed_answered(x):
    c = x.client(GET)
    s = x.server(CRLF2).send(HEAD10 + b"hello")
    return c.take(b"hello"), s


for k, (conf, line) in ORDERS.items():
    for name, mode, start in (
            ("while it waits", "http", killed_waiting),
            ("in the body", "http", killed_sending),
            ("in the response", "http", killed_answered),
            ("of mode tcp", "tcp", exchange)):
        def play(x, line=line, start=start):
            c, s = start(x)
            x.order(line)
            ends_both(x, c, s)
            undo(x, line)
        state("%s %s" % (k, name), mode, conf, play)


def killed_connecting(x):
    c = x.client(GET)
    c.settle()
    x.order("shutdown sessions server {px}/s")
    x.end(c)


state("shutdown sessions while it connects", "http", (
    "timeout connect 60s", "server s {mute}"), killed_connecting)


@case("state, maintenance of an unmarked server", SRV)
def unmarked(x):
    c = x.client(GET)
    s = x.server(CRLF2)
    x.order("disable server {px}/s")
    s.send(OK)
    x.end(c)
    s.close()
    x.order("enable server {px}/s")

# ---- the last data ----

LAST = 30000                    # what the proxy and the kernel have room for


def last(name, conf, finish, tcp=False):
    """The server is done, the client has not read it all."""
    def play(x):
        c = x.client(b"hello" if tcp else GET, rcvbuf=4096)
        s = x.server(b"hello" if tcp else CRLF2)
        s.send((b"" if tcp else HEAD10.replace(b"10", b"%d" % LAST))
               + b"x" * LAST)
        s.close()
        x.settle()
        finish(c)
    state("last data%s, %s" % (" of mode tcp" if tcp else "", name),
          "tcp" if tcp else "http", conf + (SRV,), play)


def reset(c):
    c.rst()


def wait(c):
    time.sleep(3 * T / 1000)
    c.close()


last("client RST", (), reset)
last("client timeout", (CLI_T,), wait)
last("client-fin timeout", ("timeout client-fin %d" % T,), wait)
last("client RST", (), reset, tcp=True)
last("client timeout", (CLI_T,), wait, tcp=True)

# ---- no way to the server ----

def refused_again(x):
    x.alone(GET)


state("no source address", "http", (
    RE, "retries 0", "server s {srv} source 192.0.2.77"), refused_again)
state("no source address, mode tcp", "tcp", (
    "retries 0", "server s {srv} source 192.0.2.77"),
    lambda x: x.alone(b"hello"))
state("no route", "http", ("retries 0", "server s 255.255.255.255:80"),
      refused_again)
state("no route, mode tcp", "tcp", (
    "retries 0", "server s 255.255.255.255:80"), lambda x: x.alone(b"hello"))
state("no socket in the file system", "http", (
    "retries 1", "timeout connect 100", "server s unix@/nowhere/sock"),
    refused_again)
state("no socket in the file system, retries 3", "http", (
    "retries 3", "timeout connect 60s", "server s unix@/nowhere/sock"),
    refused_again)
state("no socket in the file system, mode tcp", "tcp", (
    "retries 1", "timeout connect 100", "server s unix@/nowhere/sock"),
    lambda x: x.alone(b"hello"))
state("no abstract socket", "http", (
    "retries 1", "timeout connect 100", "server s abns@nowhere.here"),
    refused_again)

# ---- cookies beside other ways to choose (cookie_same.test has all others) ----

SENT = {"no cookie": b"", "a server's": b"C=a", "an unknown one": b"C=zz",
        "a server's that is down": b"C=d", "one with a prefix": b"C=a~val",
        "an empty one": b"C=", "an old one": b"C=a|AAAAB|AAAAB",
        "an old date": b"C=a|AAAAB", "two": b"C=zz; C=a",
        "one for a backup": b"C=k", "another name": b"D=a"}
CHOSEN = {"use-server": "use-server s if TRUE",
          "ignored": "ignore-persist if TRUE"}


def cookie(x, sent):
    field = b"\r\nCookie: " + sent if sent else b""
    c = x.client(GET.replace(b"\r\nConn", field + b"\r\nConn"))
    s = x.server(CRLF2).send(OK)
    x.end(c)
    s.close()


for mode in "insert", "insert indirect maxidle 1h maxlife 1h", "prefix":
    for how, line in CHOSEN.items():
        for k, sent in SENT.items():
            CASES.append(Case("cookie %s, %s: %s" % (mode, how, k), "http", (
                "cookie C " + mode, line, SRV + " cookie a",
                "server d {srv} cookie d disabled",
                "server k {srv} cookie k backup"), 1,
                lambda x, sent=sent: cookie(x, sent)))
