# SPDX-License-Identifier: Apache-2.0
"""A change of an endpoint, from the API server's word to the first request that
is served by the new one: a fake API server, the real generator and proxy.

What is ours of that the generator says itself: from the first byte that it reads of
a change to the answer of the proxy's new processes, which serve by then. Both
have real-time priority where that is allowed, as what else the machine does is
not what is asked for; the fake server and the client, in Python, have not.
"""
import http.client
import http.server
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "regtests/ingress"))
import fakeapi  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("X-Port", str(self.server.server_address[1]))
        self.end_headers()

    def log_message(self, *_):
        pass


def origin():
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    s.daemon_threads = True
    threading.Thread(target=s.serve_forever, args=(0.02,),
                     daemon=True).start()
    return s.server_address[1]


def asked(port, host):
    """The port of the origin that answers; a connection of its own."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    c.request("GET", "/", headers={"Host": host})
    r = c.getresponse()
    r.read()
    c.close()
    return int(r.headers.get("X-Port") or 0)


def first():
    """Before all that is not measured; in the child, before it is ours."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    except PermissionError:
        pass


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def memory(pid):
    """The most it ever held, in MiB."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f
                    if line.startswith("VmHWM"))


def measure(ingress, ecluse, objects, host, changes, pause, work, flags=()):
    """(seconds of each change as a client sees them, and as the generator says;
    first configuration, CPU of the generator per change, its memory)."""
    api = fakeapi.FakeApi()
    api.put(*objects)
    target = next(o for o in api.all("EndpointSlice")
                  if o["metadata"]["name"] == host.split(".")[0] + "-x")
    port = fakeapi.free_port()
    api.put({"apiVersion": "v1", "kind": "ConfigMap",
             "metadata": {"namespace": "ecluse", "name": "settings"},
             "data": {"bind-address": "127.0.0.1"}})
    gen = fakeapi.Generator(
        ingress, api, work, "--allow-loopback-endpoints",
        f"--http-port={port}", "--configmap=ecluse/settings",
        "--disable-sync-events", "--update-status=false", "--workers=1",
        *flags)
    gen.args = [a for a in gen.args if not a.startswith(
        ("--reload-interval=10ms", "--wait-before-update=5ms"))]
    subprocess.run([ingress, "init", *gen.args], check=True,
                   stdout=subprocess.DEVNULL)
    ports = origin(), origin()
    log = open(work / "proxy.log", "ab")
    proxy = subprocess.Popen([ecluse, "-W", "-S", gen.master, "-f",
                              work / "conf/current"], stdout=log, stderr=log,
                             preexec_fn=first)
    took = []

    def point_to(origin_port):
        o = dict(target, ports=[{"port": origin_port}],
                 endpoints=[{"addresses": ["127.0.0.1"]}],
                 metadata=dict(target["metadata"]))
        api.put(o)
        began = time.monotonic()
        while asked(port, host) != origin_port:
            time.sleep(0.002)
        return time.monotonic() - began
    try:
        gen.start(preexec_fn=first)
        fakeapi.until(lambda: gen.ask("/readyz")[0] == 200, 120, 0.05)
        made = gen.metric("ecluse_ingress_plan_seconds") + \
            gen.metric("ecluse_ingress_apply_seconds")
        point_to(ports[0])
        time.sleep(1)
        before = cpu(gen.child.pid)
        for i in range(changes):
            took.append(point_to(ports[(i + 1) % 2]))
            time.sleep(pause)
        spent = (cpu(gen.child.pid) - before) / changes
        own = [int(ms) / 1000 for ms in re.findall(
            r"(\d+) ms after the change", gen.log())][-changes:]
        return sorted(took), sorted(own), made, spent, memory(gen.child.pid)
    finally:
        gen.stop()
        proxy.terminate()
        proxy.wait(30)
        api.stop()
