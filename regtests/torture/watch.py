# SPDX-License-Identifier: Apache-2.0
"""What /proc says about a proxy: its processes, their age, memory, processor
time and descriptors, and which clients are connected to which of them."""
import contextlib
import ctypes
import os
import select
import socket
import struct
import threading
import time
from stat import S_ISSOCK

TICK = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36
SYS_PIDFD_GETFD = 438           # on every architecture
LIBC = ctypes.CDLL(None)


def adopt_orphans():
    """What a proxy leaves behind becomes our child: so it is seen."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stat(pid):
    """Fields of /proc/PID/stat after the name: [0] state, [1] parent,
    [11..14] ticks, own and of children waited for, [19] start; or None."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None


def fields(path):
    """A file of lines "Name: value", as /proc/PID/status is."""
    with open(path) as f:
        return {k: v.strip() for k, _, v in
                (line.partition(":") for line in f)}


def ticks_now():
    """This moment in the unit of the start time of processes."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICK)


class Family:
    """The processes of one proxy: all that descend from us but our tools."""

    def __init__(self):
        self.me, self.tools = os.getpid(), set()
        self.reaped_s = 0.0             # of orphans we had to bury
        self.known = set()              # children somebody else waits for

    def pids(self):
        children = {}
        for d in os.listdir("/proc"):
            if d.isdigit():
                st = stat(d)
                if st is None:
                    continue
                if st[0] in "ZX":
                    if int(st[1]) == self.me:
                        self.bury(int(d))
                    continue
                children.setdefault(int(st[1]), []).append(int(d))
        todo = [p for p in children.get(self.me, []) if p not in self.tools]
        found = []
        while todo:
            p = todo.pop()
            found.append(p)
            todo += children.get(p, [])
        return sorted(found)

    def bury(self, pid):
        if pid in self.known or pid in self.tools:
            return
        with contextlib.suppress(OSError):
            _, _, ru = os.wait4(pid, os.WNOHANG)
            self.reaped_s += ru.ru_utime + ru.ru_stime

    def older_than(self, ticks, but):
        return [p for p in self.pids() if p not in but
                and int((stat(p) or ["0"] * 20 + ["9" * 18])[19]) < ticks]

    def cpu_s(self):
        """Processor seconds of all, the dead ones included."""
        total = self.reaped_s
        for pid in self.pids():
            st = stat(pid)
            if st is None:
                continue
            total += (int(st[13]) + int(st[14])) / TICK
            with contextlib.suppress(OSError, ValueError):
                for t in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{t}/schedstat") as f:
                        total += int(f.read().split()[0]) / 1e9
        return total

    def pss_mib(self):
        """Pages that several processes share count once."""
        kib = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    for line in f:
                        if line.startswith("Pss:"):
                            kib += int(line.split()[1])
                            break
        return kib / 1024


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def client_sockets(ports):
    """{inode: (client address as hex, port)} of connections to our ports."""
    found = {}
    with open("/proc/net/tcp") as f:
        next(f)
        for line in f:
            w = line.split()
            if w[3] == "01" and int(w[1].rpartition(":")[2], 16) in ports:
                addr, _, port = w[2].partition(":")
                raw = struct.pack("<I", int(addr, 16))
                host = struct.unpack(">I", raw)[0]
                found[w[9]] = (f"{host:x}", int(port, 16))
    return found


def sockets_of(pid):
    """Inodes of the sockets that a process holds. Each is borrowed for a
    moment: a look into /proc/PID/fd leaves a name for each in the kernel, and
    who waits for the end of that process pays for their removal."""
    found = set()
    try:
        last = int(fields(f"/proc/{pid}/status")["FDSize"])
        whose = os.pidfd_open(pid)
    except (OSError, KeyError, ValueError):
        return found
    for fd in range(last):
        mine = LIBC.syscall(SYS_PIDFD_GETFD, whose, fd, 0)
        if mine >= 0:
            st = os.fstat(mine)
            os.close(mine)
            if S_ISSOCK(st.st_mode):
                found.add(str(st.st_ino))
    os.close(whose)
    return found


class Ends:
    """Waits for processes without a look at /proc, which costs as much time of
    the machine as what is measured."""

    def __init__(self, pids):
        self.fds, self.poll = set(), select.poll()
        for pid in pids:
            with contextlib.suppress(OSError):
                fd = os.pidfd_open(pid)
                self.fds.add(fd)
                self.poll.register(fd, select.POLLIN)

    def wait(self, end):
        """Until all have ended: true; or until the moment `end`: false."""
        while self.fds and (left := end - time.monotonic()) > 0:
            for fd, _ in self.poll.poll(1000 * left):
                self.poll.unregister(fd)
                self.fds.remove(fd)
                os.close(fd)
        done = not self.fds
        for fd in self.fds:
            os.close(fd)
        self.fds = set()
        return done


class Sampler(threading.Thread):
    """Looks at memory (and whatever `also` looks at) a few times a second."""

    def __init__(self, family, also=None, every=0.25):
        super().__init__(daemon=True)
        self.family, self.also, self.every = family, also, every
        self.peak_mib, self.processes, self.paused = 0.0, 0, False
        self.end = threading.Event()
        self.start()

    def run(self):
        while not self.end.wait(self.every):
            if self.paused:
                continue
            self.peak_mib = max(self.peak_mib, self.family.pss_mib())
            self.processes = max(self.processes, len(self.family.pids()))
            if self.also:
                self.also()

    def stop(self):
        self.end.set()
        self.join(5)
