# SPDX-License-Identifier: Apache-2.0
"""Owns what the takeover-*.test scripts share: instances that live in a
directory of their own, as two installations do, and tunnels through them."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "keeper"))
from harness import *          # noqa: E402,F401,F403


class Site:
    """One installation: a tunnel to an echo server, and a web frontend."""

    def __init__(self, name, echo, web, tport, body, glob="", extra="",
                 expose=True):
        self.name = name
        self.sock = scratch(name + "/run.sock")
        self.msock = scratch(name + "/m.sock")
        self.cfg = write(name + "/site.cfg",
            "global\n    nbthread 2\n    stats socket %s level admin%s\n%s"
            % (self.sock, " expose-fd listeners" if expose else "", glob) +
            DEFAULTS + "frontend fe\n    bind 127.0.0.1:%d\n"
            "    http-request return status 200 content-type text/plain "
            "string %s\n"
            "listen t\n    mode tcp\n    bind 127.0.0.1:%d\n"
            "    timeout client 1m\n    timeout server 1m\n"
            "    server s 127.0.0.1:%d weight 10 maxconn 500\n"
            "    server spare 127.0.0.1:%d weight 10 disabled\n"
            % (web, body, tport, echo, echo) + extra)
        self.p = None

    def start(self, *args, master=False, exe=None, wrap=(), **kw):
        line = ["-db", "-f", self.cfg] + (["-W", "-S", self.msock]
                                          if master else []) + list(args)
        if wrap:
            line = list(wrap[1:]) + [exe or program()] + line
            exe = wrap[0]
        self.p = Proc(*line, exe=exe, cwd=scratch(self.name), **kw)
        return self

    def up(self):
        until(lambda: answers(self.sock, "show info", "Name"),
              "the runtime API of %s" % self.name)
        return self

    def stat(self, px, sv, field):
        """One value of show stat."""
        lines = cli(self.sock, "show stat").splitlines()
        names = lines[0].lstrip("# ").split(",")
        for l in lines[1:]:
            row = dict(zip(names, l.split(",")))
            if row.get("pxname") == px and row.get("svname") == sv:
                return row[field]
        raise Failed("no %s/%s in show stat" % (px, sv))

    def total(self, px="fe"):
        return int(self.stat(px, "FRONTEND", "stot"))


class Tunnels:
    """Connections that send numbered messages and want each back, in order.
    They never reconnect."""

    def __init__(self, port, n):
        self.conns = [socket.create_connection(("127.0.0.1", port), 5)
                      for _ in range(n)]
        self.round = 0
        self.turn()

    def turn(self):
        self.round += 1
        for i, c in enumerate(self.conns):
            c.settimeout(5)
            c.sendall(b"%06d-%06d\n" % (self.round, i))
        for i, c in enumerate(self.conns):
            want, got = b"%06d-%06d\n" % (self.round, i), b""
            while len(got) < len(want):
                part = c.recv(len(want) - len(got))
                check(part, "tunnel %d was closed in round %d"
                      % (i, self.round))
                got += part
            equal(got, want, "tunnel %d" % i)

    def run(self):
        """Turns in the background until stop()."""
        self.end, self.error = threading.Event(), None

        def work():
            try:
                while not self.end.is_set():
                    self.turn()
            except Exception as e:      # noqa: told by stop()
                self.error = e
        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.end.set()
        self.thread.join(10)
        if self.error is not None:
            raise self.error

    def close(self):
        for c in self.conns:
            c.close()


def gone(pid):
    """All of a process's family is gone."""
    until(lambda: not [p for p in session(pid)], "the end of process %d and "
          "what it forked" % pid, step=0.005)
