#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether two programs take the same configurations, and do the same with them.

    check_configs.py [--run] [--reload TIMES] DIR [NAME...]

Each *.cfg of DIR is made to run on loopback (rewrite.py), checked by both
programs with -c, and with --run started by one after the other: the same
requests, servers and ports.  What differs is shown: answers, what servers
received, log lines, counters and stick tables.  --reload reloads the second
program so many times under requests and looks at what was lost.
DIR/files may hold files that the configurations name, DIR/NAME.env lines of
NAME=VALUE for their environment.
"""
import argparse
import difflib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from ports import free_port     # noqa: E402
from asking import Client, Hints, requests, streams    # noqa: E402
from origin import Origins      # noqa: E402
from rewrite import Rewriter    # noqa: E402

# Figures of `show stat` that the same requests make the same.
FIGURES = ("stot bin bout dreq dresp ereq econ eresp wretr wredis status "
           "req_tot hrsp_1xx hrsp_2xx hrsp_3xx hrsp_4xx hrsp_5xx lbtot "
           "intercepted dcon dses").split()
MASKS = [
    (r"(?m)^(?:Date|Age|Last-Modified): .*\r\n", ""),
    (r"<\d+>\w{3} [ \d]\d [\d:]{8} (\S+ )?", ""),
    (r"\[\d\d/\w{3}/\d{4}:[\d:.]+(?: [+-]\d{4})?\]", "[time]"),
    (r"\b\w+\[\d+\]: ", "tag: "),
    (r"(127\.0\.0\.1|::1):\d{5}\b(?= (?:\[|to ))", r"\1:p"),
]
TIMES = re.compile(r"(?<=\s)\+?-?\d+(?:/\+?-?\d+){2,4}(?=\s)")
# Two programs need not have the same words in what they say themselves.
OWN_PAGE = re.compile(r"\A(?:<html>|<!DOCTYPE)", re.I)
NEAR = {"bin", "bout"}          # counted at different places on the way


def mask(text):
    for rx, to in MASKS:
        text = re.sub(rx, to, text)
    return text


def mask_log(line):
    """A log line without times, bytes and how many connections there were
    just then; a time that never came stays."""
    line = re.sub(r"(?<= )\d+/\d+/\d+/\d+/(\+?\d+) (?=\d+/\d+)", r"n/\1 ",
                  line)
    line = TIMES.sub(lambda m: re.sub(r"(?<!-)\b\d+", "t", m.group()),
                     mask(line), count=1)
    return re.sub(r"(?<= )(\+?)\d+(?= (?:- - )?[A-Z-]{2,4} )", r"\1B", line)


def mask_answer(head, body):
    """An answer with names in small letters; a page of the program itself
    is its status only."""
    first, _, rest = mask(head).partition("\r\n")
    lines = [k.lower() + sep + v for k, sep, v in
             (x.partition(":") for x in rest.strip().split("\r\n"))]
    if body.startswith("# HELP"):
        body, lines = "(metrics)", []
    if not any(x.startswith(("x-origin:", "x-own:")) for x in lines):
        body = "(a page of statistics)" if "tatistic" in body \
            else "(a page of the program)" if OWN_PAGE.match(body) else body
        lines = sorted(x for x in lines if not x.startswith(
            ("content-", "transfer-", "connection: close")))
    lines.sort(key=lambda x: x.startswith("content-length"))
    return "\n".join([first] + lines + ["", body[:1500]])


def complaints(out):
    """{line: first text} of what -c said about the file."""
    found = {}
    for kind, no, text in re.findall(
            r"\[(ALERT|WARNING)\].*?\[[^\]\s]*:(\d+)\](.*)", out):
        found.setdefault((kind, int(no)), text.strip(" :."))
    return found


class Side:
    """One program with one configuration."""

    def __init__(self, exe, case):
        # The name of a program is its log tag.
        self.exe = os.path.join(case.folder, "haproxy")
        if os.path.lexists(self.exe):
            os.unlink(self.exe)
        os.symlink(os.path.abspath(shutil.which(exe)), self.exe)
        self.case, self.p = case, None

    def check(self):
        r = subprocess.run([self.exe, "-c", "-f", self.case.cfg],
                           capture_output=True, text=True,
                           env=self.case.env, timeout=60)
        return r.returncode, complaints(r.stdout + r.stderr)

    def start(self, *args):
        log = open(os.path.join(self.case.folder, "out"), "w+")
        self.p = subprocess.Popen(
            [self.exe, *args, "-f", self.case.cfg], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, env=self.case.env,
            start_new_session=True)
        end = time.monotonic() + 20
        while time.monotonic() < end and self.p.poll() is None:
            try:
                if "Uptime" in self.cli("show info"):
                    return True
            except OSError:
                time.sleep(.05)
        log.seek(0)
        self.output = log.read()
        return False

    def cli(self, command):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(self.case.rw.path("run", "stats1.sock"))
        s.sendall(command.encode() + b"\n")
        out = b""
        while (part := s.recv(65536)):
            out += part
        s.close()
        return out.decode("latin1")

    def stat(self):
        rows = self.cli("show stat").splitlines()
        names = rows[0].lstrip("# ").split(",")
        return {"%s/%s" % (d["pxname"], d["svname"]): d for d in
                (dict(zip(names, r.split(","))) for r in rows[1:] if r)}

    def settle(self):
        """Wait until the checks have said all they will say first."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            rows = self.stat().values()
            if all(r["check_status"] not in ("INI", "* L4OK", "") or
                   not r["check_status"] for r in rows):
                return
            time.sleep(.1)

    def tables(self):
        out = []
        for m in re.finditer(r"# table: (\S+?),", self.cli("show table")):
            text = self.cli("show table " + m.group(1))
            text = re.sub(r"0x[0-9a-f]+: |exp=\d+|shard=\d+ ?", "", text)
            text = re.sub(r"_rate\((\d+)\)=\d+", r"_rate(\1)=n", text)
            out += sorted(text.splitlines())
        return out

    def change(self):
        """Reload; whether another process answers then."""
        was = re.search(r"Pid: (\d+)", self.cli("show info")).group(1)
        self.p.send_signal(signal.SIGUSR2)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            time.sleep(.05)
            try:
                now = re.search(r"Pid: (\d+)", self.cli("show info"))
            except OSError:
                continue
            if now and now.group(1) != was:
                return True
        return False

    def memory_kb(self):
        """Of all its processes, what they share counted once."""
        total = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getsid(int(pid)) == self.p.pid:
                    with open("/proc/%s/smaps_rollup" % pid) as f:
                        total += int(re.search(r"Pss: +(\d+)",
                                               f.read()).group(1))
            except (OSError, AttributeError):
                continue
        return total

    def stop(self):
        if self.p and self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
            try:
                self.p.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.p.pid, signal.SIGKILL)
                self.p.wait()


class Case:
    """One configuration: rewritten, with its servers and its requests."""

    def __init__(self, path, given):
        self.name = os.path.basename(path)[:-4]
        self.folder = tempfile.mkdtemp(prefix="moving-")
        text = open(path).read()
        self.text = text
        self.origins = Origins(free_port, self.folder)
        self.rw = Rewriter(text, self.folder, free_port, self.origins, given)
        out = self.rw.run() + self.rw.after()
        self.origins.pem = self.rw.certificate()
        self.origins.expects += self.rw.expects
        self.cfg = os.path.join(self.folder, self.name + ".cfg")
        with open(self.cfg, "w") as f:
            f.write(out)
        self.env = dict(os.environ, **self.variables(path[:-4] + ".env"))
        self.hints = Hints(text)
        self.serve()

    def variables(self, path):
        """The environment that is given, and something for the rest."""
        env = {}
        if os.path.exists(path):
            for line in open(path):
                name, _, value = line.strip().partition("=")
                env[name] = value
        for name in re.findall(r"\$\{?(\w+)", self.text):
            if not name.startswith("HAPROXY_LOCAL"):
                env.setdefault(name, str(self.rw.ports()) if "PORT" in name
                               else "info" if "LEVEL" in name else "some")
        return env

    def serve(self):
        """Servers without a port are asked at the port of the line."""
        if "127.0.0.9" in open(self.cfg).read():
            checked = [p for n, p in self.origins.known.items()
                       if n.startswith("check:")]
            for port in set(self.rw.binds.values()) | set(checked):
                self.origins.listen(socket.AF_INET, ("127.0.0.9", port),
                                    "same-port")
        self.origins.names(self.rw.resolver)
        self.logs = []
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", self.rw.log))
        self.origins.socks.append(s)
        threading.Thread(target=self.read_log, args=(s,),
                         daemon=True).start()

    def read_log(self, s):
        while True:
            try:
                self.logs.append(s.recv(65536).decode("latin1"))
            except OSError:
                return

    def take_logs(self):
        last = -1
        while len(self.logs) != last:   # nothing more for a while
            last = len(self.logs)
            time.sleep(.25)
        logs, self.logs = self.logs, []
        return [mask_log(x).rstrip("\n\0") for x in logs]

    def play(self, exe, n):
        """Everything that was seen with one program: {what: [lines]}."""
        side = Side(exe, self)
        if not side.start("-db"):
            side.stop()
            return {"start": side.output.splitlines() or ["no"]}
        try:
            side.settle()
            self.take_logs()
            self.origins.take_saw()
            seen = {"answers": self.ask_all(n)}
            seen["log"] = self.take_logs()
            seen["servers"] = ["%s < %s" % (a, mask(b)) for a, b in
                               self.origins.take_saw()
                               if "X-Case" in b or not b.startswith(
                                   ("OPTIONS", "HEAD", "GET"))]
            seen["show stat"] = self.figures(side.stat())
            seen["tables"] = side.tables()
        finally:
            side.stop()
        return seen

    def ask_all(self, n):
        out, no = {}, 0
        for front in self.rw.fronts:
            client = Client(front)
            if self.rw.mode[front["proxy"]] != "http":
                for data in streams(self.hints):
                    back = client.say(data)[:600]
                    if back.startswith("HTTP/1."):
                        back = mask_answer(*back.partition("\r\n\r\n")[::2])
                    out["%s %s %r" % (front["proxy"], front["at"],
                                      data[:120])] = back
                continue
            share = max(10, n // sum(self.rw.mode[f["proxy"]] == "http"
                                     for f in self.rw.fronts))
            for r in requests(self.hints, self.name, share):
                no += 1
                r = r.replace(b"\r\n", b"\r\nX-Case: %d\r\n" % no, 1)
                head, body, ended = client.ask(r)
                out["%s %d %r" % (front["proxy"], no, r[:300])] = \
                    mask_answer(head, body) + (" (end)" if ended else "")
            client.close()
        return out

    @staticmethod
    def figures(stat):
        def value(d, f):
            if f in NEAR and d.get(f, "").isdigit():
                return "about %d" % round(int(d[f]) / 1.5e4)
            return d.get(f, "")
        return {k: "\n".join("%s=%s" % (f, value(d, f)) for f in FIGURES)
                for k, d in sorted(stat.items())}

    def reload(self, exe, times):
        """Reloads under requests: what was lost, counted twice or kept."""
        side = Side(exe, self)
        if not side.start("-W"):
            side.stop()
            return ["it did not start: " + side.output]
        lost, asked, ended = [], [0], threading.Event()
        clients = [threading.Thread(target=self.keep_asking, args=(
            f, ended, lost, asked)) for f in self.rw.fronts[:4]]
        try:
            side.settle()
            for c in clients:
                c.start()
            sizes, before = [], side.stat()
            for no in range(times):
                if not side.change():
                    lost.append("reload %d did not come to its end" % no)
                    break
                after = side.stat()
                lost += self.went_back(before, after)
                before = after
                sizes.append(side.memory_kb())
            time.sleep(.5)
        finally:
            ended.set()
            for c in clients:
                c.join()
            side.stop()
        print("  reloaded %d times under %d requests, %d lost; %s kB" % (
            times, asked[0], len(lost), sizes[2:3] + sizes[-1:]))
        if len(sizes) > 3 and sizes[-1] > 1.3 * max(sizes[2:4]) + 2000:
            lost.append("memory grew: %s" % sizes)
        return lost

    def keep_asking(self, front, ended, lost, asked):
        """A request now and then, on connections old and new; on new ones
        where TLS is spoken, as such a connection ends with its worker."""
        client, usual = Client(front), None
        http = self.rw.mode[front["proxy"]] == "http"
        while not ended.is_set():
            asked[0] += 1
            if http:
                head, body, _ = client.ask(
                    b"GET /keep HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (
                        self.hints.hosts[-1].encode(), b"Connection: close"
                        b"\r\n" if front["tls"] or asked[0] % 5 == 0 else b""))
                kind = "an answer" if head else body
            else:
                back = client.say(b"GET / HTTP/1.1\r\nHost: a\r\n"
                                  b"Connection: close\r\n\r\n")
                # How a refusal ends is a matter of luck.
                kind = "an answer" if "HTTP/1." in back else "none"
            usual = usual or kind       # some lines refuse us, and may
            if kind != usual:
                lost.append("%s: %s, not %s" % (front["proxy"], kind, usual))
            time.sleep(.02)
        client.close()

    @staticmethod
    def went_back(before, after):
        return ["%s %s: %s, then %s" % (k, f, before[k][f], after[k][f])
                for k in before if k in after
                for f in ("stot", "req_tot", "bin", "bout", "hrsp_2xx")
                if before[k].get(f, "").isdigit() and
                int(before[k][f]) > int(after[k].get(f) or 0)]

    def close(self):
        self.origins.close()


def changes(a, b):
    """The lines of two texts that differ, in one text."""
    return "\n".join(x for x in difflib.unified_diff(
        a.replace("\r", "").split("\n"), b.replace("\r", "").split("\n"),
        lineterm="", n=0) if not x.startswith(("---", "+++", "@@")))


def show(what, a, b, most):
    """What differs, once for each kind; how often in all."""
    kinds = {}                      # the changed lines -> [first key, times]
    if isinstance(a, dict):
        for k in list(a) + [k for k in b if k not in a]:
            if a.get(k, "") != b.get(k, ""):
                kinds.setdefault(changes(a.get(k, ""), b.get(k, "")),
                                 [k, 0])[1] += 1
    elif a != b:
        for x in changes("\n".join(a), "\n".join(b)).split("\n"):
            kinds.setdefault(x, ["", 0])[1] += 1
    if kinds:
        print("  %s: %d kinds of difference" % (what, len(kinds)))
    for x, (key, times) in list(kinds.items())[:most]:
        if key:
            print("    %s  (%d times)" % (key, times))
        print("      " + x.replace("\n", "\n      "))
    return sum(n for _, n in kinds.values())


def verdicts(case, first, second, most):
    """Whether both say the same of it with -c; both codes."""
    a = Side(first, case).check()
    b = Side(second, case).check()
    same = a[0] == b[0]
    print("%-28s -c: %d %d%s" % (case.name, a[0], b[0],
                                 "" if same else "  DIFFERS"))
    for kind in ("ALERT", "WARNING"):
        x = {k: v for k, v in a[1].items() if k[0] == kind}
        y = {k: v for k, v in b[1].items() if k[0] == kind}
        for k in sorted(set(x) ^ set(y)):
            if most and (kind == "ALERT" or most > 40):
                print("  %s %s:%d %s" % ("first" if k in x else "second",
                                         kind.lower(), k[1],
                                         (x.get(k) or y.get(k))[:110]))
    return same, a[0], b[0]


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("dir")
    p.add_argument("names", nargs="*", help="only these, by their beginning")
    p.add_argument("--first", default="haproxy")
    p.add_argument("--second", default="build/ecluse")
    p.add_argument("--run", action="store_true")
    p.add_argument("--reload", type=int, default=0, metavar="TIMES")
    p.add_argument("--requests", type=int, default=150)
    p.add_argument("--most", type=int, default=40, help="lines shown of each")
    o = p.parse_args()
    bad = 0
    for name in sorted(os.listdir(o.dir)):
        if not name.endswith(".cfg") or o.names and not any(
                name.startswith(x) for x in o.names):
            continue
        case = Case(os.path.join(o.dir, name),
                    os.path.join(o.dir, "files"))
        try:
            same, a, b = verdicts(case, o.first, o.second, o.most)
            diffs = 0
            if o.run and (a, b) == (0, 0):
                x = case.play(o.first, o.requests)
                y = case.play(o.second, o.requests)
                for what in sorted(set(x) | set(y)):
                    none = type(x.get(what, y.get(what)))()
                    diffs += show(what, x.get(what, none), y.get(what, none),
                                  o.most)
                print("  ran: %d answers, %d log lines, %d differences" % (
                    len(x.get("answers", [])), len(x.get("log", [])),
                    diffs))
            if o.reload and b == 0:
                lost = case.reload(o.second, o.reload)
                diffs += len(lost)
                for x in lost[:o.most]:
                    print("    " + x)
            bad += not same or diffs > 0
        finally:
            case.close()
    print("%d of the configurations differ" % bad)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
