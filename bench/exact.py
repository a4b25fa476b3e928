# SPDX-License-Identifier: Apache-2.0
"""Counts that do not depend on the machine's speed: instructions, system calls, allocations.

Each is the difference between N and 3N requests, divided by 2N, so that starting, stopping
and opening the connections cancel out.  The processes of a proxy are added up: a keeper or
an agent that woke up for every request would show.
"""
import contextlib
import os
import re
import signal
import subprocess
import time

from benchlib import malloc_rows, stop_tree, tool, tree

from proxies import run_load


class Failed(RuntimeError):
    pass


def load(args, port, requests):
    r = run_load(args.split() + ["-n", str(requests)], port)
    if r["errors"] or r["bad_status"] or r["requests"] < requests:
        raise Failed(f"the load met errors: {r}")


def end_politely(proc, wrapped):
    """Stop the proxy so that the tool around it writes its result."""
    pids = tree(proc.pid)
    first = pids[1] if wrapped and len(pids) > 1 else proc.pid
    with contextlib.suppress(OSError):
        os.kill(first, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        proc.wait(20)
    stop_tree(proc, 5)


def instructions(proxy, case, args, env, n):
    """User-mode instructions per request, under callgrind."""
    totals = []
    for requests in (n, 3 * n):
        out = os.path.join(env.dir, f"callgrind-{proxy.name}-{requests}")
        proc, port = proxy.start(case, env.origin_port, env, [
            "valgrind", "--tool=callgrind", "--trace-children=yes",
            f"--callgrind-out-file={out}.%p", "--quiet"])
        try:
            load(args, port, requests)
            time.sleep(0.2)
        finally:
            end_politely(proc, False)
        total = 0
        for name in os.listdir(env.dir):
            if name.startswith(os.path.basename(out) + "."):
                path = os.path.join(env.dir, name)
                with open(path) as f:
                    m = re.search(r"^(?:totals|summary): (\d+)", f.read(), re.M)
                total += int(m.group(1)) if m else 0
                os.unlink(path)
        totals.append(total)
    if totals[1] <= totals[0]:
        raise Failed(f"callgrind counted {totals[0]}, then {totals[1]}: no difference to use")
    return (totals[1] - totals[0]) / (2 * n)


def syscalls(proxy, case, args, env, n):
    """{name: calls per request}, under strace."""
    counts = []
    for requests in (n, 3 * n):
        out = os.path.join(env.dir, f"strace-{proxy.name}-{requests}")
        proc, port = proxy.start(case, env.origin_port, env, ["strace", "-f", "-c", "-o", out])
        try:
            load(args, port, requests)
        finally:
            end_politely(proc, True)
        with open(out) as f:
            counts.append({c[-1]: int(c[3]) for c in map(str.split, f)
                           if len(c) >= 5 and c[3].isdigit() and c[-1] != "total"})
        if not counts[-1]:
            raise Failed("strace wrote no table")
    return {k: (v - counts[0].get(k, 0)) / (2 * n) for k, v in counts[1].items()}


def mallocs(proxy, case, args, env, n):
    """(allocations, bytes) per request, all processes, with bench/mallocs.c preloaded."""
    path = os.path.join(env.dir, f"mallocs-{proxy.name}")
    with open(path, "wb") as f:
        f.write(bytes(512 * 32))
    os.chmod(path, 0o666)
    proc, port = proxy.start(case, env.origin_port, env, [
        "env", f"LD_PRELOAD={tool('mallocs.so')}", f"MALLOCS_FILE={path}"])
    totals = []
    try:
        load(args, port, n)                         # fill the pools
        for requests in (0, n, 3 * n):
            if requests:
                load(args, port, requests)
            time.sleep(0.3)
            rows = malloc_rows(path)
            totals.append([sum(r[i] for r in rows.values()) for i in (0, 2)])
    finally:
        stop_tree(proc, 5)
    if not totals[-1][0]:
        raise Failed("no allocation was counted at all: is the program linked statically?")
    return tuple((totals[2][i] - 2 * totals[1][i] + totals[0][i]) / (2 * n) for i in (0, 1))
