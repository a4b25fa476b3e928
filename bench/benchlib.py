# SPDX-License-Identifier: Apache-2.0
"""Shared pieces of the benchmarks: processes, processor time, memory, ports, tables."""
import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TOP, "regtests"))
from ports import free_port  # noqa: E402,F401
# Where `make bench-tools` put the C programs.
TOOLS = os.environ.get("BENCH_TOOLS") or os.path.join(os.environ.get("O", f"{TOP}/build"), "bench")
TICK = os.sysconf("SC_CLK_TCK")
LOCK_FILE = os.environ.get("BENCH_LOCK", os.path.join(tempfile.gettempdir(), "bench.lock"))


def prepare():
    """Raise the descriptor limit, adopt orphaned proxy processes."""
    if not os.access(tool("load"), os.X_OK):
        raise SystemExit(f"{TOOLS} has no tools; run 'make bench-tools'")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (1048576, hard):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            break
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def tool(name):
    return os.path.join(TOOLS, name)


@contextlib.contextmanager
def machine_lock():
    with open(LOCK_FILE, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(f, fcntl.LOCK_UN)


def pin(core):
    """preexec function: own process group, pinned to a core (None: not pinned)."""
    def run():
        os.setpgid(0, 0)
        if core is not None:
            os.sched_setaffinity(0, core if isinstance(core, set) else {core})
    return run


def spawn(argv, core=None, log=None, **kw):
    out = open(log, "ab") if log else subprocess.DEVNULL
    try:
        kw.setdefault("stdout", out)
        return subprocess.Popen([str(a) for a in argv], stderr=out, preexec_fn=pin(core), **kw)
    finally:
        if log:
            out.close()


def wait_port(port, timeout=20, proc=None):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if proc is not None and proc.poll() is not None:
            raise RuntimeError(f"process exited with {proc.returncode} before listening")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            if proc is not None and proc.poll() is not None:    # somebody else's port
                continue
            return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on port {port}")


def stat_fields(pid):
    """Fields of /proc/PID/stat after the command name, or None."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def tree(root):
    """root and its living descendants (not zombies)."""
    children = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            st = stat_fields(d)
            if st and st[0] not in "ZX":
                children.setdefault(int(st[1]), []).append(int(d))
    todo, out = [root], []
    while todo:
        p = todo.pop()
        if os.path.exists(f"/proc/{p}"):
            out.append(p)
        todo += children.get(p, [])
    return out


def cpu_seconds(root):
    """(user, system) CPU seconds of root and descendants, reaped children included."""
    user = system = 0
    for pid in tree(root):
        st = stat_fields(pid)
        if st:
            user += int(st[11]) + int(st[13])
            system += int(st[12]) + int(st[14])
    return user / TICK, system / TICK


def memory_kb(pids):
    """(sum of RSS, sum of PSS) in KiB."""
    rss = pss = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/smaps_rollup") as f:
                for line in f:
                    if line.startswith("Rss:"):
                        rss += int(line.split()[1])
                    elif line.startswith("Pss:"):
                        pss += int(line.split()[1])
    return rss, pss


def core_busy(core):
    """(busy, total) ticks of one core."""
    with open("/proc/stat") as f:
        for line in f:
            if line.startswith(f"cpu{core} "):
                v = [int(x) for x in line.split()[1:9]]
                return sum(v) - v[3] - v[4], sum(v)
    return 0, 1


def wait_quiet(limit=20, busy_at_most=0.2):
    """Wait until both cores are nearly idle, `limit` seconds at most.  Returns the last busy share."""
    end = time.monotonic() + limit
    while True:
        before = [core_busy(c) for c in (0, 1)]
        time.sleep(0.15)
        after = [core_busy(c) for c in (0, 1)]
        share = max((b[0] - a[0]) / max(1, b[1] - a[1]) for a, b in zip(before, after))
        if share <= busy_at_most or time.monotonic() > end:
            return share


def stop_tree(proc, grace=1.0):
    """End a process and everything below it, by pid."""
    if proc is None:
        return
    pids = tree(proc.pid)
    for sig, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, 2)):
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, sig)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            proc.poll()
            pids = [p for p in pids if (stat_fields(p) or "Z")[0] not in "ZX"]
            if not pids:
                break
            time.sleep(0.01)
        if not pids:
            break
    with contextlib.suppress(Exception):
        proc.wait(1)


def malloc_rows(path):
    """{pid: (allocations, frees, bytes)} from the file that bench/mallocs.c writes."""
    with open(path, "rb") as f:
        data = f.read()
    rows = struct.iter_unpack("=4q", data[:len(data) // 32 * 32])
    return {pid: (allocs, frees, size) for pid, allocs, frees, size in rows if pid}


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def table(head, rows):
    """A Markdown table."""
    cells = [[str(c) for c in r] for r in [head] + rows]
    widths = [max(len(r[i]) for r in cells) for i in range(len(head))]
    line = lambda r: "| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |"
    return "\n".join([line(cells[0]), "|" + "|".join("-" * (w + 2) for w in widths) + "|"]
                     + [line(r) for r in cells[1:]])


def fmt(x, digits=1, k=1):
    return "–" if x is None else f"{x * k:,.{digits}f}"
