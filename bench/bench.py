#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare Écluse with other proxies on one machine, by processor time per request.

    make bench                              the cases of the default list
    make bench CASES="h1-keepalive syscalls" ROUNDS=3
    bench/bench.py --ecluse build/ecluse --case list

Every proxy of a case is started once, pinned to core 0; the load generator and the origin
are pinned to core 1.  The load then visits the proxies in turn (A B C A B C ...), --rounds
times.  Ratios are taken inside each round against the first proxy, and their median is
shown.  Other proxies: --proxy NAME=KIND:BINARY[,threads=N][,args=...], where KIND is
haproxy, ecluse, nginx or relay; the first one given is what the others are divided by.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import exact
from benchlib import (core_busy, cpu_seconds, fmt, free_port, machine_lock, median, memory_kb,
                      prepare, spawn, stop_tree, table, tool, tree, wait_port, wait_quiet)
from proxies import (LOAD_CORE, PROXY_CORE, RULES_LOAD, Env, NotSupported, Proxy, big_backends,
                     big_certs, run_load)

DEFAULT_CASES = ["h1-keepalive", "h1-close", "tcp-small", "h1-large-16m", "h1-rules", "h1-lines", "h1-reg", "h1-reg-cold",
                 "tls-keepalive", "tls-handshake",
                 "conn-scale", "cfg-scale", "map-1m", "stick-1m", "callgrind", "syscalls", "mallocs"]

# What we want of Écluse divided by the packaged haproxy, or in absolute numbers.
TARGETS = {
    "h1-keepalive": ("ratio", 0.80), "h1-rules": ("ratio", 0.50), "h1-close": ("ratio", 0.85), "tcp-small": ("ratio", 0.93),
    "h1-large-16m": ("ratio", 0.40), "conn-scale": ("per_conn", 400),
    "cfg-scale 10000 backends, time": ("check_ratio", 0.30),
    "cfg-scale 10000 backends, memory": ("peak_ratio", 0.15),
    "cfg-scale 5000 certificates, time": ("check_ratio", 0.10),
    "tls-keepalive": ("ratio", 0.90), "tls-handshake": ("ratio", 0.95),
    "callgrind h1-keepalive": ("count", 7950), "callgrind h1-rules": ("count", 14800), "syscalls h1-keepalive": ("count", 4.15),
    "mallocs h1-keepalive": ("count", 0.0),
    "h1-lines": ("ratio", 0.10), "h1-reg": ("ratio", 0.90), "h1-reg-cold": ("ratio", 0.90),
    "map-1m, time": ("ratio", 0.50), "map-1m, memory": ("ratio", 0.50),
    "stick-1m, time": ("ratio", 0.80), "stick-1m, memory": ("ratio", 0.80),
}
SUMMARY = []

def host_lines(n):
    return [f"use_backend b if {{ hdr(host) -i h{i:05}.example }}" for i in range(n)]


def regexes(n):
    """Files of expressions: a list of which none matches, a map whose last entry does."""
    return {"list.reg": "".join(f"^/(q|r){i}/[a-z]+$\n" for i in range(n)),
            "map.reg": "".join(f"^/p{i}/[a-z]*$ m{i}\n" for i in range(n))}


MANY_REGEXES = ["acl no path -m reg -i -f {dir}/list.reg",
                "http-request set-header x-map %[path,map_reg({dir}/map.reg,none)]",
                "use_backend b if { req.hdr(host) -m reg ^h[0-9]+\\.example$ } !no"]

# name: load arguments, and what one unit of work is
CASES = {
    "h1-keepalive": dict(load="-c 64"),
    "h1-close": dict(load="-c 64 -k"),
    "h1-rules": dict(load=f"-c 64 {RULES_LOAD}", rules=True),
    # lines of use_backend, and regular expressions; the last one matches
    "h1-lines": dict(load="-c 64 -h h00999.example", frontend=host_lines(1000)),
    "h1-reg": dict(load="-c 64 -h h99.example -u /p99/x", files=regexes(100), frontend=MANY_REGEXES),
    # the same for texts that never came before
    "h1-reg-cold": dict(load="-c 64 -h h99.example -u /p99/x", files=regexes(100), frontend=MANY_REGEXES,
                        more=["global", "    tune.pattern.cache-size 0"]),
    "h1-large-1m": dict(load="-c 16 -u /b/1048576", unit="GB"),
    "h1-large-16m": dict(load="-c 4 -u /b/16777216", unit="GB"),
    "h1-large-splice": dict(load="-c 4 -u /b/16777216", splice=True, unit="GB"),
    "tcp-small": dict(load="-c 64", tcp=True),
    "tcp-large": dict(load="-c 16 -u /b/1048576", tcp=True, unit="GB"),
    "tcp-large-splice": dict(load="-c 16 -u /b/1048576", tcp=True, splice=True, unit="GB"),
    "tls-keepalive": dict(load="-c 64 -t", tls=True),
    "tls-handshake": dict(load="-c 16 -t -k", tls=True),
    "tls-resume": dict(load="-c 16 -t -k -s", tls=True),
    "tls-large": dict(load="-c 16 -t -u /b/1048576", tls=True, unit="GB"),
    "h2-tls": dict(h2load="-c 16 -m 32", tls=True),
    "latency": dict(load="-c 64 -r 2000"),
    "stick-1m": dict(keys=1000000, frontend=[
        "http-request track-sc0 rand(1000000) table t",
        "http-request return status 200 content-type text/plain lf-string %[table_cnt(t)] if { path /count }",
        "http-request return status 200"],
        more=["backend t", "    stick-table type ip size 1m expire 1h store http_req_cnt,http_req_rate(10s)"]),
    "map-1m": dict(),
    "conn-scale": dict(conns=10000),
    "conn-scale-tls": dict(conns=5000, tls=True),
    "cfg-scale": dict(),
    "callgrind": dict(),
    "syscalls": dict(),
    "mallocs": dict(),
}


def note(case, proxy, value):
    """A line of the closing summary, where there is a target and the proxy is ours."""
    if case in TARGETS and proxy.kind == "ecluse" and value is not None:
        limit = TARGETS[case][1]
        SUMMARY.append([case, fmt(value, 2), fmt(limit, 2), "met" if value <= limit + 1e-9 else "MISSED"])


# ---------------------------------------------------------------- measurements

def run_h2load(args, port, seconds):
    out = subprocess.run(["taskset", "-c", str(LOAD_CORE), "h2load", "-D", f"{max(1, round(seconds))}"]
                         + args + [f"https://127.0.0.1:{port}/"], capture_output=True, text=True, timeout=120).stdout
    m = re.search(r"requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored", out)
    t = re.search(r"finished in ([\d.]+)(m?s)", out)
    took = float(t.group(1)) / (1000 if t.group(2) == "ms" else 1)
    return dict(requests=int(m.group(1)), errors=int(m.group(2)) + int(m.group(3)), bytes=0, seconds=took,
                p50=None, p99=None, resumed=0, connections=0)


def one_run(case, proc, port, seconds):
    busy0 = core_busy(LOAD_CORE)
    u0, s0 = cpu_seconds(proc.pid)
    t0 = time.monotonic()
    if "h2load" in case:
        r = run_h2load(case["h2load"].split(), port, seconds)
    else:
        r = run_load(case["load"].split() + ["-d", str(seconds)], port)
    wall = time.monotonic() - t0
    u1, s1 = cpu_seconds(proc.pid)
    busy1 = core_busy(LOAD_CORE)
    units = r["bytes"] / 1e9 if case.get("unit") == "GB" else r["requests"] / 1e6  # us per request
    r.update(user=(u1 - u0) / units if units else None, sys=(s1 - s0) / units if units else None,
             util=(u1 - u0 + s1 - s0) / wall, load_util=(busy1[0] - busy0[0]) / max(1, busy1[1] - busy0[1]),
             rate=r["requests"] / r["seconds"], gbps=r["bytes"] * 8 / 1e9 / r["seconds"],
             rss=memory_kb(tree(proc.pid))[0])
    r["cpu"] = None if r["user"] is None else r["user"] + r["sys"]
    return r


def throughput(name, proxies, env, opt):
    case = CASES[name]
    running, runs, disturbed = [], {}, 0
    try:
        for p in proxies:
            try:
                running.append((p, *p.start(case, env.origin_port, env)))
                runs[p.name] = []
            except (NotSupported, RuntimeError) as e:
                print(f"  {name}: {p.name} left out ({e or 'not supported'})", file=sys.stderr)
        for i in range(-1, opt.rounds):
            with machine_lock():
                for p, proc, port in running:
                    disturbed += wait_quiet(opt.quiet) > 0.2
                    r = one_run(case, proc, port, 0.3 if i < 0 else opt.seconds)
                    if i >= 0:                      # the first visit only warms up
                        runs[p.name].append(r)
    finally:
        for _, proc, _ in running:
            stop_tree(proc)
    base = runs[running[0][0].name]
    unit = case.get("unit")
    rows, result = [], {}
    for p, _, _ in running:
        rs = runs[p.name]
        med = {k: median([r[k] for r in rs]) for k in
               ("user", "sys", "cpu", "rate", "gbps", "p50", "p99", "rss", "util", "load_util")}
        ratios = sorted(a["cpu"] / b["cpu"] for a, b in zip(rs, base) if a["cpu"] and b["cpu"]) or [0]
        med.update(ratio=median(ratios), ratio_min=ratios[0], ratio_max=ratios[-1],
                   user_ratio=median([a["user"] / b["user"] for a, b in zip(rs, base) if b["user"] and a["user"] is not None]),
                   errors=sum(r["errors"] for r in rs), resumed=sum(r["resumed"] for r in rs),
                   requests=sum(r["requests"] for r in rs))
        result[p.name] = med
        if med["requests"] and not med["errors"]:
            note(name, p, med["ratio"] or None)
        else:
            print(f"  {name}: {p.name}: {med['requests']} requests, {med['errors']} errors: no ratio", file=sys.stderr)
        k = 1000 if unit == "GB" else 1             # CPU ms per GB, us per request
        rows.append([p.name, fmt(med["user"], k=k), fmt(med["sys"], k=k), fmt(med["cpu"], k=k),
                     f"{med['ratio']:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})", fmt(med["user_ratio"], 2),
                     fmt(med["gbps"], 1) + " Gb/s" if unit else fmt(med["rate"], 0),
                     fmt(1e6 / med["cpu"], 0) if not unit and med["cpu"] else "–",
                     fmt(med["p50"], 0), fmt(med["p99"], 0), fmt(med["rss"] / 1024),
                     f"{med['util']*100:.0f}/{med['load_util']*100:.0f}", med["errors"]])
    u = "ms/GB" if unit else "µs/req"
    print(f"\n### {name}\n")
    if disturbed:
        print(f"({disturbed} runs began while other programs used the machine)\n")
    print(table(["proxy", f"user {u}", f"sys {u}", f"CPU {u}", "CPU ratio (min–max)", "user ratio",
                 "rate", "req per CPU s", "p50 µs", "p99 µs", "RSS MiB", "proxy/load core %", "errors"], rows),
          flush=True)
    return result


def conn_scale(name, proxies, env, opt):
    case, rows, result = CASES[name], [], {}
    n = case["conns"]
    for p in proxies:
        proc = client = None
        try:
            proc, port = p.start(case, env.origin_port, env)
            run_load(["-c", "8", "-n", "100"] + (["-t"] if case.get("tls") else []), port)
            _, pss0 = memory_kb(tree(proc.pid))
            with machine_lock():
                client = spawn([tool("load"), "-p", port, "-c", n, "-i"] + (["-t"] if case.get("tls") else []),
                               LOAD_CORE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                ready = client.stdout.readline().split()
                time.sleep(0.5)
            _, pss1 = memory_kb(tree(proc.pid))
            # Pages that several processes share must count once: PSS.
            per = (pss1 - pss0) * 1024 / n
            result[p.name] = dict(per_conn=per, pss0=pss0, pss1=pss1, ready=int(ready[1]))
            note(name, p, per)
            if int(ready[1]) < n:
                print(f"  {name}: {p.name}: only {ready[1]} of {n} connections were made", file=sys.stderr)
        except (NotSupported, RuntimeError) as e:
            print(f"  {name}: {p.name} left out ({e or 'not supported'})", file=sys.stderr)
        finally:
            stop_tree(client, 0.2)
            stop_tree(proc, 0.2)
    if not result:
        return result
    base = next(iter(result.values()))["per_conn"]
    for k, r in result.items():
        rows.append([k, fmt(r["per_conn"], 0), fmt(r["per_conn"] / base, 2), fmt(r["pss0"] / 1024),
                     fmt(r["pss1"] / 1024), r["ready"]])
    print(f"\n### {name}: {n} idle keep-alive connections\n")
    print(table(["proxy", "bytes/connection", "ratio", "PSS before MiB", "PSS after MiB", "connected"], rows),
          flush=True)
    return result


def stick_scale(name, proxies, env, opt):
    """Requests of so many sources are counted in a stick table: time per request while it fills,
    memory per source."""
    case, rows, result = CASES[name], [], {}
    for p in proxies:
        if p.kind not in ("haproxy", "ecluse"):
            continue
        proc = None
        try:
            proc, port = p.start(case, env.origin_port, env)
            run_load(["-c", "64", "-n", "1000"], port)
            with machine_lock():
                _, pss0 = memory_kb(tree(proc.pid))
                wait_quiet(opt.quiet)
                u0, s0 = cpu_seconds(proc.pid)
                r = run_load(["-c", "64", "-n", str(2 * case["keys"])], port)
                u1, s1 = cpu_seconds(proc.pid)
                _, pss1 = memory_kb(tree(proc.pid))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/count", timeout=5) as f:
                keys = int(f.read())
            result[p.name] = dict(cpu=(u1 - u0 + s1 - s0) / r["requests"] * 1e6, user=(u1 - u0) / r["requests"] * 1e6,
                                  per_key=(pss1 - pss0) * 1024 / keys, keys=keys, errors=r["errors"])
        except (NotSupported, RuntimeError, OSError, ValueError) as e:
            print(f"  {name}: {p.name} left out ({e or 'not supported'})", file=sys.stderr)
        finally:
            stop_tree(proc, 0.2)
    base = next(iter(result.values()), None)
    for p in proxies:
        if p.name in result:
            r = result[p.name]
            note(f"{name}, time", p, r["cpu"] / base["cpu"])
            note(f"{name}, memory", p, r["per_key"] / base["per_key"])
            rows.append([p.name, fmt(r["user"]), fmt(r["cpu"]), fmt(r["cpu"] / base["cpu"], 2), r["keys"],
                         fmt(r["per_key"], 0), fmt(r["per_key"] / base["per_key"], 2), r["errors"]])
    print(f"\n### {name}: requests counted by {case['keys']} sources\n")
    print(table(["proxy", "user µs/req", "CPU µs/req", "ratio", "entries", "bytes/entry", "ratio", "errors"], rows),
          flush=True)
    return result


def timed_check(argv, limit):
    """Runs argv to its end: (seconds, CPU seconds, peak RSS MiB, exit code)."""
    try:
        out = subprocess.run(["taskset", "-c", str(PROXY_CORE), tool("spent")] + [str(a) for a in argv],
                             capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None, None, None, "timeout"
    r = json.loads(out.stdout)
    return r["seconds"], r["cpu"], r["peak_kib"] / 1024, r["status"]


def map_scale(name, proxies, env, opt):
    """-c with a map of a million entries: elapsed and processor time, memory."""
    path, conf = (os.path.join(env.dir, f) for f in ("million.map", "million.conf"))
    with open(path, "w") as f:
        f.writelines(f"host{i:07}.example.org b{i % 100}\n" for i in range(1000000))
    with open(conf, "w") as f:
        f.write("global\n    nbthread 1\ndefaults\n    mode http\n    timeout connect 5s\n    timeout client 5s\n"
                f"    timeout server 5s\nfrontend f\n    bind 127.0.0.1:{free_port()}\n"
                f"    use_backend %[req.hdr(host),lower,map({path},b)]\nbackend b\n    server s 127.0.0.1:1\n")
    proxies = [p for p in proxies if p.kind in ("haproxy", "ecluse")]
    runs = {p.name: [] for p in proxies}
    with machine_lock():
        for _ in range(opt.rounds):
            for p in proxies:
                runs[p.name].append(timed_check([p.binary, "-c", "-f", conf], opt.limit))
    rows, result, base = [], {}, None
    for p in proxies:
        secs, cpu, peak = (median([r[i] for r in runs[p.name]]) for i in range(3))
        base = base or (secs, cpu, peak)
        if runs[p.name][0][3] == 0:
            note(f"{name}, time", p, secs / base[0])
            note(f"{name}, memory", p, peak / base[2])
        result[p.name] = dict(seconds=secs, cpu=cpu, peak_mib=peak, status=runs[p.name][0][3])
        rows.append([p.name, fmt(secs, 3), fmt(secs / base[0], 2), fmt(cpu, 3), fmt(cpu / base[1], 2), fmt(peak),
                     fmt(peak / base[2], 2), runs[p.name][0][3]])
    print(f"\n### {name}: -c with a map of 1,000,000 entries\n")
    print(table(["proxy", "elapsed s", "ratio", "CPU s", "ratio", "peak RSS MiB", "ratio", "exit"], rows), flush=True)
    for x in (path, conf):
        os.unlink(x)
    return result


def cfg_scale(name, proxies, env, opt):
    rows, result = [], {}
    jobs = [(f"{n} backends", big_backends, n) for n in opt.backends] + \
           [(f"{n} certificates", big_certs, n) for n in opt.certs]
    for label, build, n in jobs:
        first = None
        for p in proxies:
            if p.kind == "relay" or p.threads != 1:
                continue
            listen, log = free_port(), os.path.join(env.dir, f"cfg-{p.name}.log")
            conf, check, start = build(p, n, env, listen)
            reps = 3 if n <= 10000 else 1
            with machine_lock():
                checks = [timed_check([p.binary] + check, opt.limit) for _ in range(reps)]
                proc, t0, up, rss, pss = None, time.monotonic(), None, None, None
                try:
                    proc = spawn([p.binary] + start, PROXY_CORE, log)
                    wait_port(listen, opt.limit, proc)
                    up = time.monotonic() - t0
                    time.sleep(0.5)                 # workers may still be starting
                    rss, pss = (x / 1024 for x in memory_kb(tree(proc.pid)))
                except RuntimeError as e:
                    with open(log, errors="replace") as f:
                        print(f"  {label}: {p.name}: {e}: {f.read()[-300:]}", file=sys.stderr)
                finally:
                    stop_tree(proc, 0.3)
            secs, cpu, peak = (median([c[i] for c in checks]) for i in range(3))
            first = first or (secs, peak)
            ratio = lambda a, b: fmt(a / b, 2) if a and b else "–"
            if secs and peak and first[0] and checks[0][3] == 0:
                note(f"{name} {label}, time", p, secs / first[0])
                note(f"{name} {label}, memory", p, peak / first[1])
            result[f"{label}/{p.name}"] = dict(check_s=secs, check_cpu_s=cpu, peak_mib=peak, start_s=up,
                                               rss_mib=rss, pss_mib=pss, status=checks[0][3])
            rows.append([label, p.name, fmt(secs, 3), ratio(secs, first[0]), fmt(peak), ratio(peak, first[1]),
                         fmt(up, 3), fmt(pss), checks[0][3]])
            with contextlib.suppress(OSError):
                os.unlink(conf)
    print("\n### cfg-scale\n")
    print(table(["configuration", "proxy", "check s", "ratio", "peak RSS MiB", "ratio", "start s",
                 "running PSS MiB", "exit"], rows), flush=True)
    return result


SHAPES = ["h1-keepalive", "h1-close", "tcp-small", "h1-rules"]


def counted(name, proxies, env, opt):
    """Exact counts per request: see exact.py."""
    what, head = {
        "callgrind": (exact.instructions, "user-mode instructions per request"),
        "syscalls": (exact.syscalls, "system calls per request"),
        "mallocs": (exact.mallocs, "allocations per request"),
    }[name]
    rows, result = [], {}
    for label in SHAPES:
        base = None
        load = CASES[label]["load"]
        if name == "callgrind":
            load = load.replace("-c 64", "-c 16")   # what the known figures were taken with
        for p in proxies:
            if p.threads != 1:
                continue
            try:
                v = what(p, CASES[label], load, env, opt.requests)
            except (NotSupported, RuntimeError, OSError, ValueError) as e:
                print(f"  {name} {label}: {p.name} left out ({e or 'not supported'})", file=sys.stderr)
                continue
            more = ""
            if name == "syscalls":
                top = sorted(((n, k) for k, n in v.items() if n >= 0.02), reverse=True)
                more = ", ".join(f"{k} {n:.2f}" for n, k in top)
                v = sum(v.values())
            elif name == "mallocs":
                more = f"{v[1]:,.0f} bytes"
                v = v[0]
            base = base or v
            result[f"{label}/{p.name}"] = v
            note(f"{name} {label}", p, round(v, 3))
            rows.append([label, p.name, fmt(v, 0 if name == "callgrind" else 2),
                         fmt(v / base, 2) if base else "–", more])
    print(f"\n### {name}: {head}\n")
    print(table(["case", "proxy", "per request", "ratio", "of which"], rows), flush=True)
    return result


def default_proxies(opt):
    """The packaged haproxy first (the others are divided by it), ours, nginx, the bare relay."""
    out = []
    for name, kind, path in (("haproxy", "haproxy", opt.haproxy or shutil.which("haproxy")),
                             ("ecluse", "ecluse", opt.ecluse),
                             ("nginx", "nginx", opt.nginx or shutil.which("nginx")),
                             ("relay", "relay", tool("relay"))):
        if path:
            out.append(Proxy(f"{name}={kind}:{path}"))
        else:
            print(f"  {name} is not installed; left out", file=sys.stderr)
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("cases", nargs="*", help="what to measure; --case list names them all")
    ap.add_argument("--case", action="append", default=[])
    ap.add_argument("--ecluse", help="our program")
    ap.add_argument("--haproxy")
    ap.add_argument("--nginx")
    ap.add_argument("--proxy", action="append", type=Proxy, default=[], help="instead of the three above")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=1.5)
    ap.add_argument("--backends", type=int, nargs="*", default=[1000, 10000])
    ap.add_argument("--certs", type=int, nargs="*", default=[5000])
    ap.add_argument("--conns", type=int, help="connections of the conn-scale cases")
    ap.add_argument("--limit", type=float, default=90, help="seconds allowed to load a large configuration")
    ap.add_argument("--requests", type=int, default=2000, help="for the exact counts")
    ap.add_argument("--quiet", type=float, default=5, help="seconds to wait for an idle machine before a run")
    ap.add_argument("--json", help="append the results to this file, one JSON object a line")
    opt = ap.parse_args()
    cases = opt.case + opt.cases or DEFAULT_CASES
    if "list" in cases:
        print("\n".join(CASES))
        return
    if "all" in cases:
        cases = list(CASES)
    for name in cases:
        if name not in CASES:
            ap.error(f"no case '{name}'; there are {', '.join(CASES)}")
    prepare()
    proxies = opt.proxy or default_proxies(opt)
    if opt.conns:
        for name in CASES:
            if name.startswith("conn-scale"):
                CASES[name]["conns"] = opt.conns
    env = Env()
    try:
        for name in cases:
            run = {"cfg-scale": cfg_scale, "map-1m": map_scale, "callgrind": counted, "syscalls": counted, "mallocs": counted}.get(
                name, conn_scale if name.startswith("conn-scale") else stick_scale if name.startswith("stick")
                else throughput)
            result = run(name, proxies, env, opt)
            if opt.json:
                with open(opt.json, "a") as f:
                    f.write(json.dumps({"case": name, "result": result}) + "\n")
    finally:
        env.close()
    if SUMMARY:
        print("\n### targets\n")
        print(table(["what", "measured", "at most", ""], SUMMARY))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
