# SPDX-License-Identifier: Apache-2.0
"""The cases: what happens to a proxy, in which order, and what is measured."""
import contextlib
import dataclasses
import json
import os
import queue
import signal
import socket
import statistics
import subprocess
import threading
import time

import watch
from ports import free_ports


WATCHERS = 4                    # at most: one for each processor
MARKS = 500                     # entries of a table that nobody touches


class Impossible(Exception):
    """The case cannot be run on this proxy; the text says why."""


@dataclasses.dataclass
class Case:
    about: str
    reloads: int = 20
    seconds: float = 20
    events: str = "config,workers"
    workers: int = 1
    maxconn: int = 9000
    calm: int = 10              # windows as long as a change, before any
    kills: int = 0
    quiet: int = 10             # reloads that measure processor time
    clients: int = 1            # processes of clients
    speak_s: float = 0.5        # until all silent ones have spoken at the end
    crowd: tuple = ()           # sizes that differ from crowd.c
    others: tuple = ()          # crowds of all client processes but the first
    tables: bool = True         # stick tables follow what clients do
    weigh: int = 1              # memory is looked at in every so-many-th change
    watcher: tuple = ()         # the crowd of one process of clients more for
                                # each processor: they tell when who was
                                # killed is replaced
    limits: dict = dataclasses.field(default_factory=dict)
    name: str = ""


SMALL = ("keep.rate=400", "keep=16", "close.rate=50", "close=8", "idle=60",
         "pipe=2", "drip=4", "down-length=4", "down-chunked=4",
         "down-close=4", "up=4", "wait=10", "queue=8", "ws=20", "connect=8",
         "tcp=20", "probe-ws=1", "probe-tcp=1", "probe-ws.every_ms=10",
         "probe-tcp.every_ms=10")

CASES = {
    "short": Case(
        "ten changes of all kinds in ten seconds, small crowds",
        reloads=10, seconds=10, events="config,workers,upgrade", calm=2,
        quiet=0, crowd=SMALL),
    "reload": Case(
        "20 reloads in 20 s under 4,000 requests/s"),
    "upgrade": Case(
        "20 binary upgrades in 20 s", events="upgrade", quiet=0),
    "mixed": Case(
        "a minute of reloads, changes of the number of workers, upgrades",
        reloads=60, seconds=60, events="config,workers,upgrade",
        crowd=("keep.rate=1500", "ws=500", "tcp=500", "ws.every_ms=500",
               "tcp.every_ms=500")),
    "kill": Case(
        "five workers killed with -9, two seconds apart",
        reloads=0, seconds=0, kills=5, quiet=0,
        crowd=("keep.rate=1000", "idle=200", "ws=50", "tcp=50",
               "connect=20", "wait=20"),
        # Those whose connections break have much to do; it has not.
        watcher=("all=0", "watch=4")),
    "idle10k": Case(
        "10,000 idle connections cross, eight times", reloads=8, seconds=24,
        events="config", tables=False, quiet=5, maxconn=15000, weigh=4,
        crowd=("all=0", "keep=16", "keep.rate=200", "idle=10000",
               "probe-ws=4", "probe-tcp=4", "ws=50", "tcp=50")),
    "idle100k": Case(
        "100,000 idle connections cross, three times", reloads=3, seconds=12,
        events="config", workers=8, quiet=0, clients=7, maxconn=130000,
        tables=False,
        # 7,000 requests/s when they speak: not more than can be served.
        speak_s=16,
        crowd=("all=0", "keep=8", "keep.rate=200", "idle=14500", "slot=0",
               "idle.every_ms=1", "probe-ws=2", "probe-tcp=2"),
        others=("all=0", "idle=14500", "idle.every_ms=1")),
}
for _name, _case in CASES.items():
    _case.name = _name


def go_first(processor=None):
    """Who measures how long others take must not wait for a processor
    himself. Where that is not allowed, `late` tells how long he did. The
    kernel waits for nobody: while it ends a process with many connections,
    only whoever is on another processor sees what is served."""
    if processor is not None:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {processor})
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(20))


class Clients:
    """One process of clients (clients.c): told by lines, tells in JSON."""

    def __init__(self, program, family, http, tcp, words, processor=None):
        self.p = subprocess.Popen(
            [program, str(http), str(tcp)] + list(words), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1,
            preexec_fn=None if processor is None else
            lambda: go_first(processor))
        family.tools.add(self.p.pid)
        self.seen, self.faults, self.kills, self.pauses = {}, [], [], []
        self.events = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.p.stdout:
            e = json.loads(line)
            if e["event"] == "seen":
                self.seen.setdefault(e["version"], e["t"])
            elif e["event"] == "fault":
                self.faults.append(e)
            elif e["event"] == "pause":
                self.pauses.append(e)
            elif e["event"] == "killed":
                self.kills.append(e)
            else:
                self.events.put(e)
        self.events.put({"event": "gone"})

    def tell(self, line):
        with contextlib.suppress(OSError):
            self.p.stdin.write(line + "\n")

    def wait(self, name, limit):
        """The next event of that name, or None after `limit` seconds."""
        end = time.monotonic() + limit
        while True:
            try:
                e = self.events.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                return None
            if e["event"] == name:
                return e
            if e["event"] == "gone":
                raise RuntimeError("the clients are gone")


def total(finals):
    """Counts of all client processes, added up, crowd by crowd."""
    out = {}
    for f in finals:
        for name, crowd in f["crowds"].items():
            mine = out.setdefault(name, dict.fromkeys(crowd, 0))
            for k, v in crowd.items():
                mine[k] += v
    return out


def middle(values):
    return statistics.median(values) if values else None


class Run:
    """One case on one proxy."""

    def __init__(self, case, proxy, opt, tools):
        over = {k: getattr(opt, k) for k in
                ("reloads", "seconds", "events", "workers")
                if getattr(opt, k) is not None}
        if opt.quiet_reloads is not None:
            over["quiet"] = opt.quiet_reloads
        self.case, self.proxy = dataclasses.replace(case, **over), proxy
        self.opt, self.tools = opt, tools
        self.family = watch.Family()
        self.clients, self.servers, self.sampler = [], [], None
        self.version, self.workers = 1, self.case.workers
        self.back, self.last = 0, {}
        self.signals, self.gone_ms, self.upgrades = {}, [], []
        self.figures = {}
        self.knocks = 0

    # --- starting -----------------------------------------------------------

    def start(self, scratch):
        p, c = self.proxy, self.case
        self.http, self.tcp, *ports = free_ports(4)
        first = None if self.opt.only_promises else go_first
        self.servers = [self.serve(ports[0], None),
                        self.serve(ports[1], first)]
        p.place(scratch, self.http, self.tcp, *ports)
        p.tables = c.tables and p.counts
        self.write()
        p.parse_s()
        p.start(self.family)
        self.wait_port()
        p.mark(MARKS)
        words = list(c.crowd) + [f"{k}=0" for k in p.lacks]
        program = os.path.join(self.tools, "clients")
        for n in range(c.clients):
            mine = words + self.opt.crowd
            if n > 0:
                mine = list(c.others) + [f"slot={8 * n}"]
            self.clients.append(Clients(program, self.family, self.http,
                                        self.tcp, mine))
        processors = sorted(os.sched_getaffinity(0))[:WATCHERS]
        for processor in processors if c.watcher else ():
            mine = list(c.watcher) + [f"slot={8 * len(self.clients)}"]
            self.clients.append(Clients(
                program, self.family, self.http, self.tcp, mine,
                None if self.opt.only_promises else processor))
        for cl in self.clients:
            if cl.wait("ready", 40) is None:
                cl.tell("count")
                e = cl.wait("counts", 5) or {"crowds": {}}
                faults = [f"{f['crowd']}: {f['why']}" for f in cl.faults[:3]]
                raise Impossible(
                    "not all connections were made within 40 s: " + ", ".join(
                        f"{k} {v['opened']}/{v['connections']}" for k, v in
                        e["crowds"].items() if v["opened"] < v["connections"])
                    + "; ".join(faults))

    def serve(self, port, first):
        program = os.path.join(self.tools, "server")
        p = subprocess.Popen([program, str(port)], preexec_fn=first)
        self.family.tools.add(p.pid)
        return p

    def write(self):
        self.proxy.write(self.version, self.workers, self.case.maxconn)

    def wait_port(self):
        end = time.monotonic() + 15
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.http), 1).close()
                self.knocks += 1
                return
            if time.monotonic() > end or not self.proxy.alive():
                with open(self.proxy.log, errors="replace") as f:
                    raise Impossible("does not start:\n" + f.read()[-2000:])
            time.sleep(0.02)

    # --- what is looked at meanwhile ----------------------------------------

    def look(self):
        """Counters may only grow."""
        now = self.proxy.counters()
        for fe, row in (now or {}).items():
            old = self.last.get(fe, {})
            if any(row[k] < old.get(k, 0) for k in row if k != "scur"):
                self.back += 1
        self.last = now or self.last

    def tell(self, line):
        for cl in self.clients:
            cl.tell(line)

    def calm(self):
        time.sleep(1)
        self.sampler.paused = self.case.weigh > 1
        for _ in range(self.case.calm):
            self.tell("mark 0")
            time.sleep(0.15)        # as long as a change takes
            self.tell("over")
            time.sleep(0.3)
        parse = [self.proxy.parse_s() for _ in range(3)]
        self.figures["parse_ms"] = 1000 * (middle(parse) or 0)
        self.figures["pss_steady_mib"] = self.family.pss_mib()
        self.figures["processes_steady"] = len(self.family.pids())

    # --- what is done to it -------------------------------------------------

    def change(self, event, last=False):
        """One reload; the time of its signal. The last one brings back the
        number of workers, so that before and after can be compared."""
        p = self.proxy
        self.version += 1
        if event == "workers":
            self.workers = 2 if self.workers == 1 else self.workers - 1
        if last:
            self.workers = self.case.workers
        self.write()
        old = watch.Ends(x for x in self.family.pids() if x != p.top)
        if self.sampler.paused or self.case.weigh == 1:
            self.tell(f"mark {self.version}")
        began = time.monotonic()
        self.signals[self.version] = began
        self.last_signal_ticks = watch.ticks_now()
        if event == "upgrade":
            p.upgrade()
        else:
            p.reload()
        return began, old

    def until_gone(self, began, old, end):
        """Wait up to `end`, noting when the old generation has left."""
        if old.wait(end):
            self.gone_ms.append(1000 * (time.monotonic() - began))
            self.tell("over")
            time.sleep(max(0, end - time.monotonic()))
        else:
            self.gone_ms.append(None)

    def reloads(self):
        events = [e for e in self.case.events.split(",")
                  if e not in self.proxy.lacks]
        gap = self.case.seconds / max(1, self.case.reloads)
        start, fds = time.monotonic(), 0
        for n in range(self.case.reloads):
            if not self.proxy.alive():
                break
            event = events[n % len(events)]
            last = n + 1 == self.case.reloads
            # A look at memory makes others wait as well.
            weighed = n % self.case.weigh == self.case.weigh - 1
            self.sampler.paused = not weighed
            self.sampler.every = 0.05 if self.case.weigh > 1 else 0.25
            began, old = self.change(event, last)
            end = start + (n + 1) * gap
            if self.case.speak_s > gap:
                self.until_gone(began, old, end)
            elif n % 3 == 1 and gap > 2:      # not where the pause is measured
                self.until_gone(began, old, began + 1.05)
                self.tell("speak")
                time.sleep(max(0, end - time.monotonic()))
            else:
                if n % 3 == 1:
                    self.tell("speak")
                self.until_gone(began, old, end)
            if event == "upgrade":
                while not (done := self.proxy.upgraded()) and (
                        time.monotonic() < began + 5):
                    time.sleep(0.01)
                self.upgrades.append(done)
            # Sockets of further workers may stay: look after there were some.
            if n == self.case.reloads // 3:
                fds = watch.descriptors(self.proxy.top)
        self.sampler.paused = False
        if not self.case.reloads:
            return
        time.sleep(max(0, began + 2 - time.monotonic()))
        self.figures["old_processes"] = len(self.family.older_than(
            self.last_signal_ticks, {self.proxy.top}))
        self.figures["pss_end_mib"] = self.family.pss_mib()
        self.figures["processes_end"] = len(self.family.pids())
        self.figures["fds_master"] = (watch.descriptors(self.proxy.top)
                                      - fds)
        self.tell("speak")
        time.sleep(self.case.speak_s)

    def busiest(self):
        """The process that holds most client connections."""
        known = watch.client_sockets({self.http, self.tcp})
        best = max(self.family.pids(), default=None, key=lambda p: len(
            watch.sockets_of(p) & known.keys()))
        return best

    def kill_one(self):
        """Kill the busiest process; its connections may break, no others.
        It is stopped first, so that what it holds is known for sure."""
        pid = self.busiest()
        if pid is None or pid == self.proxy.top:
            return
        os.kill(pid, signal.SIGSTOP)
        known = watch.client_sockets({self.http, self.tcp})
        his = [known[i] for i in watch.sockets_of(pid) if i in known]
        for n in range(0, len(his), 100):
            self.tell("doom " + " ".join(f"{a}:{p}" for a, p
                                         in his[n:n + 100]))
            self.clients[0].wait("doomed", 5)
        os.kill(pid, signal.SIGKILL)
        self.tell(f"killed {time.monotonic():.6f}")
        self.figures["connections_killed"] = len(his) + self.figures.get(
            "connections_killed", 0)

    def kills(self):
        self.sampler.paused = self.case.kills > 0
        for _ in range(self.case.kills):
            if not self.proxy.alive():
                break
            self.kill_one()
            time.sleep(2)
        self.sampler.paused = False

    def quiet(self):
        """Processor time of a reload while nobody says a word."""
        if not self.case.quiet or not self.proxy.alive():
            return
        self.tell("pause")
        for cl in self.clients:
            if cl.wait("quiet", 30) is None:
                return
        self.sampler.paused = True
        self.figures["cpu_ms_full"] = self.reload_cpu_ms()
        self.sampler.paused = False
        self.tell("resume")

    def empty(self):
        """The same when nobody is there any more."""
        if self.case.quiet and self.proxy.alive():
            self.figures["cpu_ms_empty"] = self.reload_cpu_ms()

    def reload_cpu_ms(self):
        time.sleep(0.5)
        before = self.family.cpu_s()
        for _ in range(self.case.quiet):
            began, old = self.change("config")
            self.until_gone(began, old, began + 0.5)
        time.sleep(0.5)
        return 1000 * (self.family.cpu_s() - before) / self.case.quiet

    # --- what came of it ----------------------------------------------------

    def finish(self):
        self.sampler.stop()
        self.tell("stop")
        finals = [cl.wait("final", 45) for cl in self.clients]
        if None in finals:
            raise RuntimeError("the clients did not finish")
        self.figures["alive"] = int(self.proxy.alive())
        self.figures["pss_peak_mib"] = self.sampler.peak_mib
        self.figures["processes_peak"] = self.sampler.processes
        for k in ("latency_calm", "latency_reload", "pause_calm",
                  "pause_reload", "wait_calm", "wait_reload", "late_calm",
                  "late_reload"):
            self.figures[k] = finals[0][k]
        self.crowds(total(finals))
        self.figures["unfinished"] = sum(f["unfinished"] for f in finals)
        self.figures["faults"] = self.told_faults()
        self.figures["pauses"] = self.clients[0].pauses
        self.answers()
        self.counted()
        self.followed()
        self.figures["queue_peak"] = self.peak()

    def crowds(self, crowds):
        f = self.figures
        f["crowds"] = crowds
        for k in ("sent", "done", "lost", "closed", "told", "cut", "wrong",
                  "broken", "stale"):
            f[k] = sum(c[k] for c in crowds.values())
        # Told to leave is what the client did not ask for, either.
        f["closed"] += f.pop("told")

    def told_faults(self):
        return [x for cl in self.clients for x in cl.faults]

    def answers(self):
        """From the signal to the first answer of the new configuration."""
        seen = self.clients[0].seen
        took = [1000 * (seen[v] - t) for v, t in self.signals.items()
                if v in seen and v <= self.case.reloads + 1]
        f = self.figures
        f["first_answer_ms"] = middle(took)
        f["first_answer_worst_ms"] = max(took, default=None)
        if took:
            f["beyond_parsing_ms"] = max(0.0, middle(took) - f["parse_ms"])
        gone = self.gone_ms[:self.case.reloads]
        if gone:
            f["gone_ms"] = None if None in gone else middle(gone)
            f["gone_worst_ms"] = None if None in gone else max(gone)
        if self.case.kills:
            self.replaced()
        if self.upgrades:
            f["upgrades"] = sum(self.upgrades)
            f["upgrades_wanted"] = len(self.upgrades)

    def replaced(self):
        """How soon somebody was served after each kill: the first of those
        who watch."""
        f, watchers = self.figures, self.clients[self.case.clients:]
        kills = list(zip(*(cl.kills for cl in watchers)))
        served = [min((e["served_ms"] for e in k if e["served_ms"] >= 0),
                      default=None) for k in kills]
        f["killed"] = len(kills)
        all_served = len(kills) == self.case.kills and None not in served
        f["served_ms"] = max(served) if all_served else None
        f["served_middle_ms"] = middle(served) if all_served else None
        f["kill_worst_ms"] = max((e["worst_ms"] for k in kills for e in k),
                                 default=None)

    def counted(self):
        """The proxy's counters beside what the clients counted."""
        end = time.monotonic() + 5
        while True:
            rows = self.proxy.counters()
            if rows is None and not (self.proxy.counts and
                                     self.figures["alive"]):
                return
            if rows is None or "web" not in rows:
                raise RuntimeError("no counters: " + repr(rows))
            if not any(r["scur"] for r in rows.values()) or (
                    time.monotonic() > end):
                break
            time.sleep(0.1)
        f, crowds = self.figures, self.figures["crowds"].values()
        web = [c for c in crowds if not c["tcp"]]
        tcp = [c for c in crowds if c["tcp"]]
        add = lambda cs, *ks: sum(c[k] for c in cs for k in ks)
        f["counter_back"] = self.back
        f.update(self.proxy.crossed())
        f["counter_open"] = sum(r["scur"] for r in rows.values())
        f["counted"] = rows
        pairs = {
            "requests": (rows["web"]["req_tot"], add(web, "done"),
                         add(web, "sent")),
            "sessions": (rows["web"]["stot"], add(web, "opened"),
                         add(web, "opened") + self.knocks),
            "tcp_sessions": (rows["tcp"]["stot"], add(tcp, "opened"),
                             add(tcp, "opened")),
            "tcp_bytes": (rows["tcp"]["bin"] + rows["tcp"]["bout"],
                          add(tcp, "bytes_down") * 2,
                          add(tcp, "bytes_up", "bytes_down")),
        }
        f["counters"] = {k: dict(zip(("counted", "least", "most"), v))
                         for k, v in pairs.items()}
        # What a killed worker had moved of its tunnels is not known.
        f["counters_wrong"] = sum(
            not low <= n <= high for k, (n, low, high) in pairs.items()
            if not (k == "tcp_bytes" and self.case.kills))
        for k in ("requests", "tcp_bytes"):
            n, _, high = pairs[k]
            f["counted_" + k] = 100 * n / high if high else None

    def followed(self):
        """What the stick tables say, beside the counters: they count the same
        requests and connections, in another place."""
        sources, methods, marks = (self.proxy.entries(t) for t in
                                 ("sources", "methods", "marks"))
        if sources is None or methods is None or marks is None:
            return
        f, web = self.figures, self.figures["counted"]["web"]
        add = lambda t, k: sum(e.get(k, 0) for e in t.values())
        least, most = f["counters"]["requests"]["least"], web["req_tot"]
        f["entries_lost"] = sum(
            marks.get(f"m{k}", {}).get("gpc0") != k + 1 for k in range(MARKS))
        f["table_requests"] = add(sources, "http_req_cnt")
        off = lambda n, low, high: max(0, low - n, n - high)
        f["tables"] = {
            "requests": add(sources, "http_req_cnt"),
            "of methods": add(methods, "http_req_cnt"),
            "connections": add(sources, "conn_cnt"),
            "counted": (least, most, web["stot"], self.knocks)}
        f["table_off"] = max(
            # a connection that comes and goes is taken for a request there
            off(add(sources, "http_req_cnt"), least, most + self.knocks),
            off(add(methods, "http_req_cnt"), least, most),
            off(add(sources, "conn_cnt"), web["stot"],
                web["stot"] + self.knocks))
        # Within a request of what was counted, entry by entry.
        f["rate_off"] = max((abs(e["http_req_rate"] - e["http_req_cnt"])
                             for t in (sources, methods) for e in t.values()),
                            default=None)
        f["table_open"] = add(sources, "conn_cur") + add(methods, "use") + (
            add(sources, "use"))

    def peak(self):
        """How many the server with maxconn 4 ever saw at once."""
        if not self.figures["crowds"]["queue"]["connections"]:
            return None
        with socket.create_connection(
                ("127.0.0.1", self.proxy.server), 5) as s:
            s.sendall(b"GET /peak HTTP/1.1\r\nConnection: close\r\n\r\n")
            data = b""
            while part := s.recv(4096):
                data += part
        return int(data.rpartition(b"\n")[2])

    def go(self, scratch):
        self.start(scratch)
        self.sampler = watch.Sampler(self.family, self.look)
        self.calm()
        self.reloads()
        self.kills()
        self.quiet()
        self.finish()
        self.empty()
        return self.figures

    def end(self):
        if self.sampler:
            self.sampler.stop()
        if hasattr(self.proxy, "proc"):
            self.proxy.stop(self.family)
        for p in [c.p for c in self.clients] + self.servers:
            if p.poll() is None:
                p.kill()
            p.wait(5)
