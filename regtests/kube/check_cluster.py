#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_cluster.py IMAGE.tar=NAME:TAG IMAGE.tar=NAME:TAG - the chart on a node.

A whole node (containerd, kubelet, kube-proxy, cluster DNS) in namespaces of its
own: helm install, helm test, helm upgrade to the second image, a new version of the
application, an agent that hangs, and helm rollback, under clients that never ask
twice; then the guides of doc/ingress, command by command (CASE=chart, CASE=guides: one
of them). What the containers say is read too. Needs root and the packages named in
doc/testing.md; image.sh makes the images. Run by hand, about four minutes.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SERVER = """\
defaults
    mode http
    timeout client 60s
frontend app
    bind :8080
    http-request return status 200 content-type text/plain \
hdr X-Pod "%[env(HOSTNAME)]" lf-string "%[env(HOSTNAME)]"
"""


CASE = os.environ.get("CASE", "")       # chart, guides; both when empty
OURS = "app.kubernetes.io/component=ingress"    # label of our pods
ASK = ("-c", "proxy", "--", "ecluse-ingress", "ask")
OTHER_DOORS = (                         # of which quickstart.md speaks
    ("deployment", "service.type=NodePort,service.proxyProtocol=true"),
    ("daemonset", "service.enabled=false,kind=DaemonSet,hostPort.enabled=true"))
sys.path.insert(0, HERE)


def app(image):
    """Three pods that say who they are, of the proxy's own image."""
    labels = {"app": "app"}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"},
         "data": {"ecluse.cfg": SERVER}},
        {"apiVersion": "apps/v1", "kind": "Deployment",
         "metadata": {"name": "app"}, "spec": {
             "replicas": 3, "selector": {"matchLabels": labels},
             "template": {"metadata": {"labels": labels}, "spec": {
                 "containers": [{
                     "name": "app", "image": image,
                     "imagePullPolicy": "IfNotPresent",
                     "command": ["ecluse", "-W", "-f", "/etc/app/ecluse.cfg"],
                     "volumeMounts": [{"name": "c", "mountPath": "/etc/app"}],
                     "readinessProbe": {"periodSeconds": 1, "httpGet": {
                         "path": "/", "port": 8080}}}],
                 "volumes": [{"name": "c", "configMap": {"name": "app"}}]}}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"},
         "spec": {"selector": labels, "ports": [
             {"port": 80, "targetPort": 8080}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
         "metadata": {"name": "app"}, "spec": {
             "ingressClassName": "nginx", "rules": [
                 {"host": "app.test", "http": {"paths": [
                     {"path": "/", "pathType": "Prefix", "backend": {
                         "service": {"name": "app", "port": {
                             "number": 80}}}}]}}]}}]


class Node:
    def __init__(self, images):
        self.dir = os.environ.get("NODE_DIR") or tempfile.mkdtemp()
        self.own = "NODE_DIR" not in os.environ
        if self.own:
            subprocess.run([os.path.join(HERE, "node-up.sh"), self.dir],
                           check=True, env=dict(os.environ,
                                                IMAGES=" ".join(images)))
        from podlogs import PodLogs
        self.logs, self.expected = PodLogs(self), []    # alarms

    def run(self, *argv, text=None, check=True, quiet=False):
        p = subprocess.run([os.path.join(self.dir, "exec"), *argv],
                           input=text, text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if not quiet:
            print(f"$ {' '.join(argv)}\n{p.stdout.rstrip()[-1500:]}",
                  flush=True)
        if check and p.returncode != 0:
            raise SystemExit(f"failed: {' '.join(argv)}\n{p.stdout}")
        return p.stdout

    def pods(self, label=OURS):
        return json.loads(self.run("kubectl", "get", "pods", "-l", label,
                                   "-o", "json", quiet=True))["items"]

    def stop(self):
        self.logs.end()
        if self.own:
            subprocess.run([os.path.join(HERE, "node-down.sh"), self.dir],
                           check=False)


def load(seconds):
    """Run inside the node: clients of HOST at IP:PORT, as JSON."""
    from world import Load

    host, _, address = sys.argv[4].partition("@")

    class Door:
        ip, http = address.split(":")[0], int(address.split(":")[1])
    with Load(Door, host, n=8, rate=160) as keep, \
            Load(Door, host, n=4, rate=40, keep=False) as new:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not os.path.exists(sys.argv[3]):
            time.sleep(0.1)
    print(json.dumps({"keep": keep.done, "new": new.done, "pods":
                      len(keep.pods), "failed": keep.failed + new.failed}))


class Clients:
    """Clients inside the node, until they are told that it is enough."""

    def __init__(self, node, door="app.test@10.203.0.1:30080"):
        self.flag = os.path.join(node.dir, "enough")
        if os.path.exists(self.flag):
            os.unlink(self.flag)
        self.p = subprocess.Popen(
            [os.path.join(node.dir, "exec"), sys.executable,
             os.path.join(HERE, "check_cluster.py"), "--load", "300",
             self.flag, door], stdout=subprocess.PIPE, text=True)
        time.sleep(2)

    def end(self, what):
        """Tell what they noticed; the count of requests, and whether none
        was lost."""
        time.sleep(2)
        with open(self.flag, "w", encoding="utf-8"):
            pass
        seen = json.loads(self.p.communicate(timeout=60)[0])
        print(f"{what}; {seen['keep']} requests on kept connections, "
              f"{seen['new']} on new ones, {len(seen['failed'])} lost",
              flush=True)
        for f in seen["failed"][:10]:
            print("   ", f)
        return seen, not seen["failed"] and seen["keep"] > 500


def wait_for_two(node, began):
    """The old pods leave: they must be gone before the clients are."""
    while time.monotonic() < began + 120:
        pods = node.pods()
        if len(pods) == 2 and not any(
                "deletionTimestamp" in x["metadata"] for x in pods):
            break
        time.sleep(0.5)


def under_load(node, what, *argv):
    """A change, and what clients noticed of it."""
    clients = Clients(node)
    began = time.monotonic()
    node.run(*argv)
    took = time.monotonic() - began
    wait_for_two(node, began)
    seen, good = clients.end(f"{what}: {took:.1f} s")
    return good and seen["pods"] >= 3


# ---- what goes on in a pod ---------------------------------------------------

def processes(node, pod):
    """{type: pid}, and how many reloads there were and failed."""
    text = node.run("kubectl", "exec", pod, *ASK, "show proc debug",
                    quiet=True)
    pids = {m[2]: int(m[1]) for m in re.finditer(
        r"^(\d+)\s+(master|worker|agent)\s", text, re.M)}
    m = re.search(r"(\d+) \[failed: (\d+)\]", text)
    return pids, int(m[1]), int(m[2])


def begins(node, pod, pid):
    """Where the program is in a process: chosen when it is executed."""
    return node.run("kubectl", "exec", pod, "-c", "proxy", "--", "head", "-n1",
                    f"/proc/{pid}/maps", quiet=True).split("-")[0]


def check_reloads(node):
    """A reload in a container is a fork of the master, and none failed."""
    good = True
    for p in node.pods():
        pod = p["metadata"]["name"]
        pids, reloads, failed = processes(node, pod)
        forked = begins(node, pod, 1) == begins(node, pod, pids["worker"])
        print(f"{pod}: {reloads} reloads, {failed} failed; the last one "
              f"{'was a fork' if forked else 'executed the program'}",
              flush=True)
        good &= pids["master"] == 1 and reloads > 1 and failed == 0 and forked
    return good


def stop_agent(node):
    """An agent that hangs is ended and another takes its place; clients notice
    nothing."""
    pod = node.pods()[0]["metadata"]["name"]
    agent = processes(node, pod)[0]["agent"]
    clients = Clients(node)
    began = time.monotonic()
    node.run("kubectl", "exec", pod, "-c", "proxy", "--", "sh", "-c",
             f"kill -STOP {agent}")
    while time.monotonic() < began + 60:
        now = processes(node, pod)[0].get("agent", agent)
        if now != agent:
            break
        time.sleep(0.5)
    good = clients.end(f"an agent that hangs: another one after "
                       f"{time.monotonic() - began:.1f} s")[1]
    said = [line for name, line in node.logs.lines()
            if pod in name and f"Agent ({agent}) " in line]
    print("\n".join(said), flush=True)
    node.expected = said
    return good and now != agent and len(said) == 2 and " hangs: " in said[0]


def check_whole(node):
    """No container was started again."""
    counts = [c["restartCount"] for p in node.pods()
              for c in p["status"]["containerStatuses"]]
    if any(counts):
        print(f"containers were started again: {counts}", flush=True)
    return not any(counts)


def check_chart(node, names):
    """Install, test, upgrade, go back; then take it out."""
    (repo, one), (_, two) = (n.rsplit(":", 1) for n in names)
    good = True
    node.run("kubectl", "apply", "-f", "-", text=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": app(names[0])}))
    chart = os.path.join(TOP, "charts", "ecluse")
    common = ["--set", f"image.repository={repo}", "--set",
              "service.type=NodePort,service.nodePorts.http=30080,"
              "service.nodePorts.https=30443,metrics.service.enabled=true,"
              "drain.seconds=5", "--wait", "--timeout", "120s"]
    node.run("helm", "install", "edge", chart, "--set",
             f"image.tag={one}", *common)
    node.run("kubectl", "rollout", "status", "deployment/app",
             "--timeout=60s")
    node.run("helm", "test", "edge", "--timeout", "60s")
    good &= under_load(node, "helm upgrade", "helm", "upgrade", "edge",
                       chart, "--set", f"image.tag={two}", *common)
    good &= under_load(node, "a new version of the app", "sh", "-c",
                       "kubectl set env deployment/app VERSION=2 && kubectl "
                       "rollout status deployment/app --timeout=60s")
    good &= check_reloads(node)
    good &= stop_agent(node)
    good &= check_whole(node)
    good &= under_load(node, "helm rollback", "helm", "rollback", "edge",
                       "1", "--wait", "--timeout", "120s")
    node.run("kubectl", "exec", "deployment/edge-ecluse", "-c",
             "controller", "--", "ecluse-ingress", "check", "--live",
             check=False)
    node.run("kubectl", "exec", "deployment/edge-ecluse", "-c", "proxy",
             "--", "ecluse-ingress", "ask", "show", "proc")
    node.run("helm", "uninstall", "edge", "--wait")
    node.run("kubectl", "delete", "ingress/app", "service/app",
             "deployment/app", "configmap/app")
    return good


def check_doors(node, name):
    """Installed behind other doors than a Service's, it is well too."""
    repo, tag = name.rsplit(":", 1)
    for kind, door in OTHER_DOORS:
        node.run("helm", "install", "edge", os.path.join(TOP, "charts/ecluse"),
                 "--set", f"image.repository={repo},image.tag={tag},{door},"
                 "drain.seconds=1", "--wait", "--timeout", "120s", quiet=True)
        # helm does not wait for the only pod of a DaemonSet.
        node.run("kubectl", "rollout", "status", f"{kind}/edge-ecluse",
                 "--timeout=60s", quiet=True)
        node.run("helm", "test", "edge", "--timeout", "60s", quiet=True)
        print(f"helm test: well with {door}", flush=True)
        node.run("helm", "uninstall", "edge", "--wait", quiet=True)
    return True


def main():
    if sys.argv[1:2] == ["--load"]:
        load(float(sys.argv[2]))
        return 0
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    tars, names = zip(*(a.split("=", 1) for a in sys.argv[1:]))
    node = Node(tars)
    good = True
    try:
        if CASE in ("", "chart"):
            good &= check_chart(node, names)
            good &= check_doors(node, names[1])
        if CASE in ("", "guides"):
            from guides import check_guides
            good &= check_guides(node)
        good &= node.logs.alarms(node.expected) == 0
    finally:
        node.stop()
    print("passed" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
