# SPDX-License-Identifier: Apache-2.0
"""Owns what the hand-over tests share: an origin whose answers are given step
by step, a client that reads exactly what it expects, and a reload that is over
when the old generation has ended.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "keeper"))
from harness import *          # noqa: E402,F401,F403
from harness import socket, threading, signal, time  # noqa: E402


class Side:
    """One end of a connection, read with a time limit."""

    def __init__(self, sock):
        self.s = sock
        self.s.settimeout(20)
        self.buf = b""

    def send(self, data):
        self.s.sendall(data)

    def until(self, mark):
        """Everything up to and with `mark`."""
        while mark not in self.buf:
            got = self.s.recv(65536)
            check(got, "connection ended while waiting for %r after %r"
                  % (mark, self.buf))
            self.buf += got
        at = self.buf.index(mark) + len(mark)
        head, self.buf = self.buf[:at], self.buf[at:]
        return head

    def take(self, n):
        while len(self.buf) < n:
            got = self.s.recv(65536)
            check(got, "connection ended %d bytes early, after %r"
                  % (n - len(self.buf), self.buf[-100:]))
            self.buf += got
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def head(self):
        return self.until(b"\r\n\r\n").decode()

    def at_end(self):
        """The peer closes now, and nothing came before."""
        got = self.buf + self.s.recv(65536)
        equal(got, b"", "what came before the end")

    def at_reset(self):
        """The peer resets now, and nothing came before."""
        try:
            raise Failed("no reset: %r" % (self.buf + self.s.recv(65536)))
        except ConnectionResetError:
            equal(self.buf, b"", "what came before the reset")

    def over(self):
        """The peer, which is the proxy of a server, needs it no more: it
        resets it, unless bytes are on their way; nothing came before."""
        try:
            self.at_end()
        except ConnectionResetError:
            equal(self.buf, b"", "what came before the reset")

    def silent(self, seconds=0.05):
        self.s.settimeout(seconds)
        try:
            got = self.s.recv(1)
        except socket.timeout:
            return
        finally:
            self.s.settimeout(20)
        check(False, "expected nothing, found %r" % got)

    def close(self):
        self.s.close()


class Origin:
    """Accepts connections; the test says what each of them does."""

    def __init__(self, backlog=64):
        self.l = socket.socket()
        self.l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.l.bind(("127.0.0.1", 0))
        self.l.listen(backlog)
        self.l.settimeout(20)
        self.port = self.l.getsockname()[1]

    def accept(self):
        return Side(self.l.accept()[0])

    def nobody_waits(self):
        self.l.settimeout(0.05)
        try:
            self.l.accept()
        except socket.timeout:
            return
        finally:
            self.l.settimeout(20)
        check(False, "a connection to the server that nobody expected")


class Ours:
    """The program with a frontend before an origin; each reload moves the
    version that answers carry in the header x-version."""

    def __init__(self, extra="", backend="", server="", glob="", fe="",
                 workers=2):
        self.origin = Origin()
        self.port = free_port()
        self.master = scratch("m.sock")
        self.stats = scratch("s")
        self.version = 0
        self.parts = dict(extra=extra, backend=backend, server=server,
                          glob=glob, fe=fe)
        self.workers = workers
        self.write()
        self.p = Proc("-W", "-S", self.master, "-f", "t.cfg")
        until(lambda: worker_pid(self.master) and serves(self.port, path="/ready"),
              "the service")

    def text(self):
        part = self.parts
        return ("global\n    stats socket %s level admin\n    nbthread %d\n"
                "%s%s    timeout http-keep-alive 30s\n"
                "    timeout queue 20s\n    timeout tunnel 30s\n"
                "frontend fe\n    bind 127.0.0.1:%d\n"
                "    http-request return status 200 if { path /ready }\n"
                "    http-response set-header x-version %d\n%s"
                "    default_backend be\n"
                "backend be\n%s    server s 127.0.0.1:%d %s\n%s"
                % (self.stats, self.workers, part["glob"],
                   DEFAULTS, self.port, self.version, part["fe"], part["backend"],
                   self.origin.port, part["server"], part["extra"]))

    def write(self):
        write("t.cfg", self.text())

    def client(self):
        return Side(socket.create_connection(("127.0.0.1", self.port), 20))

    def reload(self, gone=True):
        """Returns when the new generation serves and has what can cross;
        `gone`: and the old one has ended."""
        self.version += 1
        self.write()
        old = worker_pid(self.master)
        changes = self.p.output().count("took over from")
        self.p.signal(signal.SIGUSR2)
        until(lambda: worker_pid(self.master) not in (None, 0, old) and
              self.p.output().count("took over from") > changes,
              "a new generation")
        if gone:
            until(lambda: not running(old), "the end of the old generation")
        return old

    def command(self, text):
        return cli(self.stats, text)


def each(cases):
    """The test that runs these, or those named on the command line. Each
    returns its program, whose old generations have to end."""
    def test():
        for case in cases:
            if sys.argv[1:] and case.__name__ not in sys.argv[1:]:
                continue
            print(case.__name__, flush=True)
            o = case()
            until(lambda: procs(o.master)["old"] == [], "the end of old ones")
            check(o.p.alive() and "ALERT" not in o.p.output(), "output:\n" +
                  o.p.output())
            o.p.stop()
    return test


GET = b"GET %s HTTP/1.1\r\nHost: t\r\n\r\n"


def get(path="/"):
    return GET % path.encode()


def answer(body=b"ok", extra=b""):
    return (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s"
            % (len(body), extra, body))
