# SPDX-License-Identifier: Apache-2.0
"""Owns what the tests of peers share: a node with tables, and a scripted peer
that speaks the protocol by hand."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "keeper"))
from harness import *          # noqa: E402,F401,F403
from harness import socket, re, time  # noqa: E402

TABLES = """backend t_ip
    stick-table type ip size 1k expire 10m peers ps store gpt0,gpc0,gpc0_rate(1m),conn_cnt,conn_rate(1m),conn_cur,sess_cnt,sess_rate(1m),http_req_cnt,http_req_rate(1m),http_err_cnt,http_err_rate(1m),bytes_in_cnt,bytes_in_rate(1m),bytes_out_cnt,bytes_out_rate(1m),gpc1,gpc1_rate(1m),http_fail_cnt,http_fail_rate(1m)
backend t_ip6
    stick-table type ipv6 size 1k expire 10m peers ps store gpc0
backend t_int
    stick-table type integer size 1k expire 10m peers ps store gpt(3),gpc(2),gpc_rate(2,1m)
backend t_bin
    stick-table type binary len 8 size 1k expire 10m peers ps store gpc0
backend t_str
    stick-table type string len 20 size 200k expire 10m peers ps store gpc0,server_id
backend t_never
    stick-table type string len 20 size 1k peers ps store gpc0
backend stk
    stick-table type string len 32 size 1k expire 10m peers ps
    stick on path
    server s1 unix@%(dir)s/origin
    server s2 unix@%(dir)s/origin
    server s3 unix@%(dir)s/origin
frontend origin
    bind unix@%(dir)s/%(origin)s
    http-request return status 200
frontend fe
    bind unix@%(dir)s/fe-%(name)s
    http-request track-sc0 src table t_ip if { path_beg /src }
    http-request sc-inc-gpc0(0) if { path_beg /src }
    http-request track-sc1 hdr(x-ip) table t_ip if { hdr(x-ip) -m found }
    http-request track-sc1 hdr(x-ip6) table t_ip6 if { hdr(x-ip6) -m found }
    http-request track-sc1 hdr(x-int) table t_int if { hdr(x-int) -m found }
    http-request track-sc1 hdr(x-bin),hex table t_bin if { hdr(x-bin) -m found }
    http-request track-sc1 hdr(x-str) table t_str if { hdr(x-str) -m found }
    http-request track-sc1 hdr(x-own) table ps/own if { hdr(x-own) -m found }
    http-request sc-inc-gpc0(1)
    http-request return status 200 unless { path_beg /stk }
    default_backend stk
"""


def ports(*names):
    """A free port for each of the nodes."""
    return {n: free_port() for n in names}


class Node:
    """One node, `at` has the ports of all. Its files are made at start()."""

    def __init__(self, name, at, exe=None, master=False, extra="", glob="",
                 tables=TABLES, section=""):
        self.name, self.at, self.exe = name, at, exe
        self.master, self.extra, self.glob = master, extra, glob
        self.tables, self.section = tables, section
        self.cli = scratch("cli-" + name)
        self.p = None

    def text(self):
        peers = "".join("    peer %s %s\n" % (n, p if isinstance(p, str)
                                              else "127.0.0.1:%d" % p)
                        for n, p in self.at.items())
        subst = dict(dir=scratch(), name=self.name,
                     origin="origin-%s" % self.name)
        tables = self.tables.replace("/origin\n", "/origin-%s\n" % self.name)
        return ("global\n    stats socket %s level admin\n%s%s"
                "peers ps\n%s%s    table own type string len 20 size 1k "
                "expire 10m store gpc0\n%s%s"
                % (self.cli, self.glob, DEFAULTS, peers, self.section,
                   tables % subst, self.extra))

    def start(self, wait=True):
        write(self.name + ".cfg", self.text())
        args = ["-W", "-S", scratch("m-" + self.name)] if self.master else \
            ["-db"]
        self.p = Proc(*args, "-L", self.name, "-f", self.name + ".cfg",
                      exe=self.exe)
        if wait:
            until(self.answers, "node %s serves" % self.name)
        return self

    def answers(self):
        check(self.p.alive(), self.p.output())
        try:
            return self.command("show table")
        except OSError:
            return False

    def command(self, line):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(self.cli)
        s.sendall(line.encode() + b"\n")
        out = b""
        while True:
            got = s.recv(65536)
            if not got:
                return out.decode()
            out += got

    def entry(self, table, key):
        """What is stored with a key, or None."""
        out = self.command("show table %s" % table)
        found = re.search(r"key=%s use=(\d+) exp=(\d+).*" % re.escape(key),
                          out)
        if not found:
            return None
        return dict(re.findall(r"(\w+)(?:\(\d+\))?=(\S+)", found.group(0)))

    def used(self, table):
        return int(re.search(r"used:(\d+)",
                             self.command("show table %s data.gpc0 lt 0"
                                          % table)).group(1))

    def get(self, path="/", **headers):
        """A request with headers x-NAME."""
        lines = "".join("x-%s: %s\r\n" % (k.replace("_", "-"), v)
                        for k, v in headers.items())
        status, _ = http_raw(scratch("fe-" + self.name),
                             "GET %s HTTP/1.1\r\nhost: t\r\nconnection: close"
                             "\r\n%s\r\n" % (path, lines))
        equal(status, 200, "GET %s" % path)

    def up(self, other):
        return re.search(r"id=%s\(remote,active\)" % other,
                         self.command("show peers"))

    def stop(self):
        self.p.stop()


def http_raw(path, request):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(path)
    s.sendall(request.encode())
    data = b""
    while True:
        got = s.recv(65536)
        if not got:
            break
        data += got
    s.close()
    return int(data.split()[1]), data


def meet(a, b):
    """Both know each other. Who calls both ways at once tries again after up
    to two seconds."""
    until(lambda: a.up(b.name) and b.up(a.name), "%s and %s are connected"
          % (a.name, b.name))


# ---- the protocol by hand ----

def integer(v):
    if v < 0xf0:
        return bytes([v])
    out = bytes([(v | 0xf0) & 0xff])
    v = (v - 0xf0) >> 4
    while v >= 0x80:
        out += bytes([(v | 0x80) & 0xff])
        v = (v - 0x80) >> 7
    return out + bytes([v])


def frame(kind, body):
    return b"\x0a" + bytes([kind]) + integer(len(body)) + body


def define(no, name, kind=6, length=21, data=1 << 2, expire=600000, rest=b""):
    return frame(0x82, integer(no) + integer(len(name)) + name.encode() +
                 integer(kind) + integer(length) + integer(data) +
                 integer(expire) + rest)


def update(no, key, data):
    return frame(0x80, no.to_bytes(4, "big") + integer(len(key)) +
                 key.encode() + data)


class Fake:
    """A peer called `name` that connects to one called `to`."""

    def __init__(self, port, to="a", name="b", version="2.1", raw=None):
        self.s = socket.create_connection(("127.0.0.1", port), 5)
        self.s.settimeout(8)
        self.send(raw if raw is not None else
                  ("HAProxyS %s\n%s\n%s 1 1\n" % (version, to, name)).encode())

    def send(self, data):
        self.s.sendall(data)

    def line(self):
        out = b""
        while not out.endswith(b"\n"):
            got = self.s.recv(1)
            if not got:
                return out
            out += got
        return out

    def until(self, mark):
        """What comes up to `mark`."""
        out = b""
        while mark not in out:
            got = self.s.recv(65536)
            check(got, "the end before %r, after %r" % (mark, out[-100:]))
            out += got
        return out

    def rest(self):
        """All that comes until they close."""
        out = b""
        while True:
            try:
                got = self.s.recv(65536)
            except ConnectionResetError:
                return out
            if not got:
                return out
            out += got

    def close(self):
        self.s.close()
