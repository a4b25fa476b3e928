#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ingress.py INGRESS ECLUSE - what 10,000 Ingresses cost the generator.

Ingresses, as many Services, and five endpoints for each; processor time of each
step as ecluse-ingress itself says it, peak memory, and the same for fewer of
them, as the cost should be in proportion. Then a change of an endpoint, from the
API server's word to the first request that the new one serves: what is ours of
it, and what a client sees, which has the time of a server and a client in Python
in it.
"""
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ingress_change


def objects(n):
    yield {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
           "metadata": {"name": "nginx"},
           "spec": {"controller": "k8s.io/ingress-nginx"}}
    for i in range(n):
        ns, name = f"ns{i % 100:02}", f"app{i:05}"
        backend = {"service": {"name": name, "port": {"number": 80}}}
        yield {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
               "metadata": {"name": name, "namespace": ns, "annotations": {
                   "nginx.ingress.kubernetes.io/proxy-read-timeout":
                   str(60 + i % 3)}},
               "spec": {"ingressClassName": "nginx", "rules": [{
                   "host": f"{name}.example.com", "http": {"paths": [
                       {"path": "/", "pathType": "Prefix",
                        "backend": backend},
                       {"path": "/api", "pathType": "Prefix",
                        "backend": backend}]}}]}}
        yield {"apiVersion": "v1", "kind": "Service",
               "metadata": {"name": name, "namespace": ns},
               "spec": {"ports": [{"port": 80, "targetPort": 8080}]}}
        yield {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
               "addressType": "IPv4", "metadata": {
                   "name": name + "-x", "namespace": ns, "labels": {
                       "kubernetes.io/service-name": name}},
               "ports": [{"port": 8080}],
               "endpoints": [{"addresses": [
                   f"10.{i // 250 + 1}.{i % 250}.{k + 1}"],
                   "conditions": {"ready": True}} for k in range(5)]}


def measure(ingress, n, work):
    source, out = work / f"{n}.json", work / f"out{n}"
    source.write_text(json.dumps({"apiVersion": "v1", "kind": "List",
                                  "items": list(objects(n))}))
    r = subprocess.run([ingress, "render", "--timings", "--https-port", "0",
                        "-o", out, source], capture_output=True, text=True)
    if r.returncode != 0:
        sys.exit(r.stderr)
    kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    first = {k: int(v) / 1e6 for k, v in re.findall(
        r"(\w+)_us=(\d+)", r.stderr.splitlines()[0])}
    again = sorted(int(a) + int(b) for a, b in re.findall(
        r"again plan_us=(\d+) render_us=(\d+)", r.stderr))
    return first, again[len(again) // 2] / 1e6, kib / 1024, out


def changes(ingress, ecluse, n, work):
    """One endpoint of one Service changes, again and again; what else there
    is does not."""
    print(f"# changes with {n} Ingresses ...", flush=True)
    seen, own, first, spent, mib = ingress_change.measure(
        ingress, ecluse, list(objects(n)), "app00005.example.com", 100, 0.4,
        work / f"change{n}")
    return [(x[len(x) // 2], x[-(-len(x) * 99 // 100) - 1]) for x in (own, seen)] + \
        [first, spent, mib]


def main():
    ingress, ecluse = (Path(p).resolve() for p in sys.argv[1:3])
    bad = []
    # In memory, as the chart has it: a disk's fsync(2) is not ours to measure.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        work = Path(folder)
        _, small, _, _ = measure(ingress, 1000, work)
        _, middle, _, _ = measure(ingress, 3000, work)
        first, again, mib, out = measure(ingress, 10000, work)
        began = time.monotonic()
        if subprocess.run([ecluse, "-c", "-f", out / "ecluse.cfg"],
                          stdout=subprocess.DEVNULL).returncode != 0:
            bad.append("the proxy refuses it")
        took = time.monotonic() - began
        few = changes(ingress, ecluse, 10, work)
        many = changes(ingress, ecluse, 10000, work)
    made = first["plan"] + first["render"] + first["write"]
    rows = [
        ("read the objects", first["load"], None, "s"),
        ("first configuration", made, 5, "s"),
        ("... over the API, proxy included", many[2], 5, "s (wall)"),
        ("plan and render again, 1,000", small, None, "s"),
        ("... 3,000", middle, None, "s"),
        ("... 10,000", again, 0.3, "s"),
        ("... per Ingress, 3,000 to 1,000", middle / small / 3, 1.5, "x"),
        ("... per Ingress, 10,000 to 1,000", again / small / 10, 1.5, "x"),
        ("memory, files read included", mib, 300, "MiB"),
        ("memory, over the API", many[4], 300, "MiB"),
        ("the proxy reads it in", took, None, "s (wall)"),
        ("change to served, 10, median", few[0][0], None, "s (wall)"),
        ("... p99", few[0][1], 0.3, "s (wall)"),
        ("... 10,000, median", many[0][0], None, "s (wall)"),
        ("... p99", many[0][1], 0.3, "s (wall)"),
        ("... as a client sees it, median", many[1][0], None, "s (wall)"),
        ("... p99", many[1][1], None, "s (wall)"),
        ("... the generator's own time", many[3], 0.3, "s"),
    ]
    for name, value, limit, unit in rows:
        verdict = ""
        if limit is not None:
            verdict = f"  limit {limit}"
            if value > limit:
                verdict += "  EXCEEDED"
                bad.append(name)
        print(f"{name:34} {value:8.3f} {unit}{verdict}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
