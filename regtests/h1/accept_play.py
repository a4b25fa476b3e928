# SPDX-License-Identifier: Apache-2.0
"""Plays the messages of accept_cases.py through a program, one after another,
and gives what client, server, log and "show errors" saw of each.
"""
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "keeper"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "log"))
from harness import *          # noqa: E402,F401,F403
from sink import Sink          # noqa: E402

CONFIG = """global
    nbthread 1
    stats socket %(cli)s level admin
    log 127.0.0.1:%(log)d len 8192 format raw local0
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 400ms
    timeout server 400ms
    timeout http-request 150ms
    timeout http-keep-alive 5ms
    no option http-keep-alive
    retries 0
    log-format '<%%ci>%%ST~%%ts~%%HM~%%HP~%%HQ~%%HV~%%{+Q}r'
frontend fe
    bind 127.0.0.1:%(port)d
    %(request)s
    http-request set-header x-case %%[src]
    http-request set-header x-path %%[path,hex]
    http-request set-header x-host %%[base,hex]
    default_backend be
backend be
    %(response)s
    http-reuse never
    server s 127.0.0.1:%(server)d
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def receive(s, enough):
    """What comes until enough() of it, the end or 2 seconds."""
    got = b""
    s.settimeout(2)
    try:
        while not enough(got):
            b = s.recv(65536)
            if not b:
                return got
            got += b
    except (ConnectionResetError, socket.timeout) as e:
        return got + b"<%s>" % type(e).__name__.encode()
    return got


def is_whole(b):
    head, mark, body = b.partition(b"\r\n\r\n")
    if not mark:
        return False
    m = re.search(rb"\r\ncontent-length: (\d+)", head)
    if m:
        return len(body) >= int(m.group(1))
    if b"\r\ntransfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return True


def in_order(b):
    """A message whose fields are sorted: their order is not meant."""
    head, mark, body = b.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    return line, sorted(fields), mark + body


class Side:
    """One program with the options or without."""

    def __init__(self, name, exe, lines):
        self.name, self.sink, self.seen = name, Sink(), {}
        self.answer = ANSWER
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port, self.at = free_port(), scratch(name)
        self.last, self.n = None, 0
        threading.Thread(target=self.serve, daemon=True).start()
        write(name + ".cfg", CONFIG % dict(
            cli=self.at, log=self.sink.port(), port=self.port,
            server=self.listener.getsockname()[1],
            request=lines[0], response=lines[1]))
        self.p = Proc("-db", "-f", name + ".cfg", exe=exe)
        until(lambda: not refused(self.port), name + " listens")

    def serve(self):
        while True:
            s, _ = self.listener.accept()
            with s:
                got = receive(s, is_whole)
                m = re.search(rb"\r\nx-case: ([\d.]+)", got)
                if m:
                    self.seen[m.group(1).decode()] = got.replace(m.group(), b"")
                try:
                    s.sendall(self.answer)
                except OSError:
                    pass

    def play(self, request):
        """Of the client, at the server, the address, what was captured."""
        self.n += 1
        addr = "127.9.%d.%d" % (self.n // 250, self.n % 250 + 1)
        with socket.create_connection(("127.0.0.1", self.port),
                                      source_address=(addr, 0)) as s:
            try:
                s.sendall(request)
            except OSError:
                pass
            got = receive(s, lambda b: False)
        return (in_order(got), in_order(self.seen.get(addr, b"")), addr,
                self.captured())

    def captured(self):
        """Where the last message kept was wrong, if it is a new one."""
        text = cli(self.at, "show errors")
        m = re.findall(r"invalid (\w+)\n.*event #(\d+),[\s\S]*?position (\d+)",
                       text)
        m = max(m, key=lambda e: int(e[1]), default=None)
        if m == self.last or m is None:
            return None
        self.last = m
        return m[0], int(m[2])

    def log_of(self):
        found = {}
        for line in list(self.sink.lines):
            m = re.match(r"<([\d.]+)>(.*)", line, re.S)
            if m:
                found.setdefault(m.group(1), []).append(
                    m.group(2).rstrip("\n"))
        return found

    def requests(self, cases):
        return [self.play(b) for _, b in cases]

    def responses(self, cases):
        out = []
        for _, b in cases:
            self.answer = b
            out.append(self.play(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        return out
