#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ingress.py INGRESS ECLUSE - what 10,000 Ingresses cost the generator.

Ingresses, as many Services, and five endpoints for each; processor time of each
step as ecluse-ingress itself says it, peak memory, and the same for a tenth of
them, as the cost should be in proportion.
"""
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def objects(n):
    yield {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
           "metadata": {"name": "nginx"},
           "spec": {"controller": "k8s.io/ingress-nginx"}}
    for i in range(n):
        ns, name = f"ns{i % 100}", f"app{i}"
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


def main():
    ingress, ecluse = (Path(p).resolve() for p in sys.argv[1:3])
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _, small, _, _ = measure(ingress, 1000, work)
        first, again, mib, out = measure(ingress, 10000, work)
        began = time.monotonic()
        if subprocess.run([ecluse, "-c", "-f", out / "ecluse.cfg"],
                          stdout=subprocess.DEVNULL).returncode != 0:
            bad.append("the proxy refuses it")
        took = time.monotonic() - began
    made = first["plan"] + first["render"] + first["write"]
    rows = [
        ("read the objects", first["load"], None, "s"),
        ("first configuration", made, 5, "s"),
        ("plan and render again", again, 0.3, "s"),
        ("... of a tenth", small, None, "s"),
        ("... ratio", again / small, 25, "x"),
        ("memory, files read included", mib, 300, "MiB"),
        ("the proxy reads it in", took, None, "s (wall)"),
    ]
    for name, value, limit, unit in rows:
        verdict = ""
        if limit is not None:
            verdict = f"  limit {limit}"
            if value > limit:
                verdict += "  EXCEEDED"
                bad.append(name)
        print(f"{name:28} {value:8.3f} {unit}{verdict}")
    return 1 if bad else 0


sys.exit(main())
