# SPDX-License-Identifier: Apache-2.0
"""Owns what the fault-*.test scripts share: a proxy with live connections, in
which one step of a reload goes wrong (doc/testing.md, faults on purpose)."""
from harness import *          # noqa: F401,F403
import select
from concurrent.futures import ThreadPoolExecutor

WORKERS = 2
# Gives up waiting soon: the real limits are for busy machines. A master that
# does so is for those alone in which it has to wait, for what never comes.
SHORT_MASTER = "master:master.patience:fail"
SHORT_HAND = "hand.patience:fail"
AT_A_TIME = 3                   # rows of a table: they wait most of the time


class Live:
    """A master, its generations, and clients in the middle of something."""

    def __init__(self, fault, n=0, short=SHORT_HAND):
        self.fault = short + "," + fault
        self.name = "%02d" % n
        self.port, self.tport, self.hport = (free_port(), free_port(),
                                             free_port())
        self.echo, self.held = Echo(), Origin("held", hold=True)
        self.master = scratch(self.name + ".m")
        self.cfg = scratch(self.name + ".cfg")
        self.configure("one")
        self.p = self.launch()
        until(lambda: worker_pid(self.master) and serves(self.port),
              "the service")
        self.idle = self.open(self.port)
        equal(self.ask(self.idle), "one", "the first answer")
        self.tunnel = self.open(self.tport)
        self.echoes("begin")
        self.busy = self.open(self.hport)
        self.busy.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: len(self.held.conns) > 0, "the request at the server")

    def launch(self):
        return Proc("-W", "-S", self.master, "-f", self.cfg,
                    env={"ECLUSE_FAULT": self.fault})

    def configure(self, body):
        write(self.cfg, "global\n    nbthread %d\n    stats socket %s level "
              "admin\n%s"
              "frontend fe\n    bind 127.0.0.1:%d\n    timeout client 1m\n"
              "    http-request return status 200 content-type text/plain "
              "string \"%s\"\n"
              "listen held\n    bind 127.0.0.1:%d\n    timeout server 1m\n"
              "    server s 127.0.0.1:%d\n"
              "listen tunnel\n    mode tcp\n    bind 127.0.0.1:%d\n"
              "    timeout client 1m\n    timeout server 1m\n"
              "    server s 127.0.0.1:%d\n"
              % (WORKERS, scratch(self.name + ".s"), DEFAULTS, self.port,
                 body, self.hport, self.held.port, self.tport,
                 self.echo.port))

    @staticmethod
    def open(port):
        return socket.create_connection(("127.0.0.1", port), 20)

    @staticmethod
    def ask(s):
        """A request on a kept connection; its body."""
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return Live.answer(s)

    @staticmethod
    def answer(s):
        data = b""
        while b"\r\n\r\n" not in data:
            part = s.recv(65536)
            check(part, "a kept connection was closed, after %r" % data)
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        n = int(match(r"(?i)content-length: (\d+)", head.decode()).group(1))
        while len(body) < n:
            part = s.recv(65536)
            check(part, "an answer was cut")
            body += part
        return body.decode()

    def echoes(self, text):
        self.tunnel.sendall(text.encode())
        equal(self.tunnel.recv(100), text.encode(), "echo in the tunnel")

    def finish_busy(self):
        self.held.release.set()
        equal(self.answer(self.busy), "held", "the answer of the exchange")

    def reload(self):
        """True when the answer says so."""
        return "Success=1" in cli(self.master, "reload")

    def good_reload(self):
        """One without a fault. With the short patience a machine that stalls
        may be late; that is said, and forgiven."""
        for _ in range(5):
            said = self.p.output().count("was not ready in time")
            if self.reload():
                return True
            if self.p.output().count("was not ready in time") == said:
                break
        return False

    def happened(self, point, action):
        until(lambda: re.search(r"fault: \S+ %s \d+ %s" %
              (re.escape(point), action), self.p.output()),
              "the fault at " + point)

    def crew(self):
        return len(family(self.p.pid))

    def settled(self):
        """One keeper, one agent, the workers, and no stray."""
        until(lambda: self.crew() == WORKERS + 2,
              "the old ones gone: %d processes left" % self.crew())

    def end(self):
        for s in (self.idle, self.tunnel, self.busy):
            s.close()
        self.p.stop()


def each_row(rows, one):
    """one(n, *row) for each of a table; the first that failed, by its name.
    ONLY= some of them, V=1 says how long each took."""
    def timed(n, row):
        began = time.monotonic()
        try:
            one(n, *row)
        except (Failed, OSError) as e:
            raise Failed("%s: %s: %s" % (named(row), type(e).__name__, e))
        if os.environ.get("V"):
            print("%-36s %.2f s" % (named(row), time.monotonic() - began))

    def named(row):
        return "%s:%s" % row[:2]

    only = os.environ.get("ONLY", "")
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        runs = [pool.submit(timed, n, row) for n, row in enumerate(rows)
                if only in named(row)]
        try:
            for run in runs:
                run.result()
        except Failed:
            pool.shutdown(cancel_futures=True)
            raise
