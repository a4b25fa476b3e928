# SPDX-License-Identifier: Apache-2.0
"""A name server for tests, over UDP and TCP on the same port of loopback.

    d = Dns()
    d.names["web.test"] = ["127.0.0.1", "::1"]
    d.names["_h._tcp.test"] = [Srv(8080, "web.test", weight=10)]
    d.names["gone.test"] = "nx"

An answer may also be "refused", "servfail", "silence", "garbage" (bytes that
are no message), "cut" (the message ends too early), "loop" (a name that points
at itself), "truncated" (over UDP: ask again over TCP), "wrong-id",
"wrong-question", or "cname NAME".
"""
import ipaddress
import os
import select
import socket
import struct
import threading
import time

A, CNAME, AAAA, SRV = 1, 5, 28, 33
CODES = {"servfail": 2, "nx": 3, "refused": 5}


class Srv:
    def __init__(self, port, target, weight=0, priority=0):
        self.port, self.target = port, target
        self.weight, self.priority = weight, priority


def wire_name(name):
    return b"".join(bytes([len(part)]) + part.encode()
                    for part in name.split(".")) + b"\0"


def record(owner, kind, data, ttl=1):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


class Dns:
    """`additional`: addresses of SRV targets come along with the records."""

    def __init__(self, additional=False):
        self.names = {}
        self.asked = []                 # (name, kind), in order
        self.over_tcp = 0
        self.sizes = []                 # announced by EDNS; None: none
        self.delay = 0
        self.gather = 0                 # s; wait for more questions over TCP
        self.additional = additional
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                self.tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:             # that port is taken for TCP
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(16)
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def count(self, name, kind=None):
        return sum(1 for n, k in self.asked
                   if n == name and kind in (None, k))

    def serve_udp(self):
        while True:
            query, who = self.udp.recvfrom(4096)
            threading.Thread(target=self.send_udp, args=(query, who),
                             daemon=True).start()

    def send_udp(self, query, who):
        answer = self.answer(query, False)
        if answer is not None:
            time.sleep(self.delay)
            self.udp.sendto(answer, who)

    def serve_tcp(self):
        while True:
            conn, _ = self.tcp.accept()
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve_conn, args=(conn,),
                             daemon=True).start()

    def serve_conn(self, conn):
        got = out = b""
        try:
            while True:
                if out and not select.select([conn], [], [], self.gather)[0]:
                    time.sleep(self.delay)
                    conn.sendall(out[:7])       # in two pieces
                    conn.sendall(out[7:])
                    out = b""
                part = conn.recv(65536)
                if not part:
                    break
                got += part
                while len(got) > 2 and len(got) >= 2 + int.from_bytes(
                        got[:2], "big"):
                    n = 2 + int.from_bytes(got[:2], "big")
                    self.over_tcp += 1
                    answer = self.answer(got[2:n], True)
                    got = got[n:]
                    if answer is not None:
                        out += struct.pack(">H", len(answer)) + answer
        except OSError:
            pass                        # it went away
        conn.close()

    def answer(self, query, tcp):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name = ".".join(labels).lower()
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        question, rest = query[12:at + 5], query[at + 5:]
        self.asked.append((name, kind))
        self.sizes.append(struct.unpack(">H", rest[3:5])[0]
                          if len(rest) >= 11 and rest[1:3] == b"\0\x29"
                          else None)
        return self.reply(query[:2], question, name, kind, tcp)

    def reply(self, qid, question, name, kind, tcp):
        found = self.names.get(name, "nx")
        if callable(found):
            found = found(kind)
        owner, records, extra, flags = b"\xc0\x0c", [], [], 0x8580
        if found == "silence":
            return None
        if found == "garbage":
            return qid + os.urandom(60)
        if found == "loop":
            records = [record(b"\xc0" + bytes([12 + len(question)]), kind,
                              b"\0\0\0\0")]
            found = []
        if found == "wrong-id":
            qid, found = bytes([qid[0] ^ 1, qid[1]]), ["127.0.0.99"]
        if found == "wrong-question":
            question = wire_name("other.test") + question[-4:]
            found = ["127.0.0.99"]
        if found == "truncated":
            flags |= 0x200
            found = []
        cut = found == "cut"
        if cut:
            found = ["127.0.0.99"]
        if isinstance(found, str) and found.startswith("cname "):
            target = found[6:]
            records.append(record(owner, CNAME, wire_name(target)))
            owner, found = wire_name(target), self.names.get(target, "nx")
        if isinstance(found, str):
            flags, found = flags | CODES[found], []
        for it in found:
            self.add(it, owner, kind, records, extra)
        message = (qid + struct.pack(">HHHHH", flags, 1, len(records), 0,
                                     len(extra)) + question +
                   b"".join(records) + b"".join(extra))
        return message[:-3] if cut else message

    def add(self, it, owner, kind, records, extra):
        if isinstance(it, Srv):
            if kind != SRV:
                return
            target = wire_name(it.target)
            records.append(record(owner, SRV, struct.pack(
                ">HHH", it.priority, it.weight, it.port) + target))
            found = self.names.get(it.target, [])
            if self.additional and not isinstance(found, str):
                for ip in map(ipaddress.ip_address, found):
                    extra.append(record(target, A if ip.version == 4 else
                                        AAAA, ip.packed))
            return
        ip = ipaddress.ip_address(it)
        if kind == (A if ip.version == 4 else AAAA):
            records.append(record(owner, kind, ip.packed))
