# SPDX-License-Identifier: Apache-2.0
"""Owns what agent-hangs.test and worker-hangs.test share: a proxy of which a
process can be made to spin when the test wants it, and what tells of it."""
from harness import *          # noqa: F401,F403

# Takes some milliseconds of processor time.
BUSY = "/busy?" + "x" * 7000
WORK = 300 * "    http-request set-var(txn.x) url,sha2(512) if { path /busy }\n"


class Watched:
    """A master, two workers and an agent, one of which comes by `point`
    again and again and does `action` there once after arm(). The keeper's
    patience is short: a quarter of the processor time, half of the silence."""

    def __init__(self, point, action="spin"):
        self.held = scratch("held")         # while it is there nobody does
        write("held", "")
        self.port, self.master = free_port(), scratch("m.sock")
        self.stats = scratch("s")
        self.configure("one")
        self.p = Proc("-W", "-S", self.master, "-f", "t.cfg",
                      env={"ECLUSE_FAULT": "keeper:keeper.patience:fail,"
                           "%s:*:%s@%s"
                           % (point, action, self.held)})
        until(lambda: worker_pid(self.master) and serves(self.port),
              "the service")
        until(lambda: answers(self.stats, "show info", "Name"),
              "the runtime API")

    def configure(self, body):
        write("t.cfg", "global\n    nbthread 2\n    stats socket %s level "
              "admin\n" % self.stats + DEFAULTS +
              "frontend fe\n    bind 127.0.0.1:%d\n"
              "    http-request use-service prometheus-exporter if "
              "{ path /metrics }\n%s"
              "    http-request return status 200 content-type text/plain "
              "string \"%s\"\n" % (self.port, WORK, body))

    def arm(self):
        os.unlink(self.held)

    def spins(self):
        until(lambda: re.search(r"fault: \S+ \S+ \d+ spin", self.p.output()),
              "the process that spins")

    def pids(self, role):
        """[(PID, ...)] of agent or process (worker), in order."""
        return [int(x) for x in
                re.findall(r"(?m)^(\d+) +%s " % role,
                           cli(self.master, "show proc debug"))]

    def agent(self):
        v = self.pids("agent")
        return v[0] if v else None

    def workers(self):
        return self.pids("process")

    def alert(self, rx):
        until(lambda: re.search(rx, self.p.output()), "the alert %r" % rx)

    def no_alert(self):
        no_match(r" hangs: ", self.p.output())

    def counted(self, agents, workers):
        """The runtime API and the exporter agree."""
        until(lambda: answers(self.stats, "show info", "Name"),
              "the runtime API")
        out = cli(self.stats, "show info")
        equal([int(x) for x in re.findall(r"(?m)^Hung\w+: (\d+)$", out)],
              [agents, workers], "HungAgents, HungWorkers")
        out = http(self.port, "/metrics")[1]
        for name, n in (("agents", agents), ("workers", workers)):
            match(r"(?m)^# TYPE ecluse_hung_%s_total counter\n"
                  r"ecluse_hung_%s_total %d$" % (name, name, n), out)

    def reload(self):
        self.configure("two")
        match(r"^Success=1\n", cli(self.master, "reload", 60))
        equal(http(self.port), (200, "two"), "the new answer")


def used_s(pid):
    """Processor time of a process, seconds; None when it is gone."""
    st = stat(pid)
    return None if st is None else \
        (int(st[11]) + int(st[12])) / os.sysconf("SC_CLK_TCK")


def others(w, was):
    """True when none of `was` runs and the crew is whole."""
    return not any(running(x) for x in was) and w.agent() and \
        w.agent() not in was and len(w.workers()) == 2
