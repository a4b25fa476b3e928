# SPDX-License-Identifier: Apache-2.0
"""The guides of doc/ingress on a node: quickstart.md on an empty cluster, then
migration.md on one that has ingress-nginx.

What a node without registries lacks is stood in for: `docker` is buildah and
containerd, the image of the guide's server is agnhost.c, the load balancer is a
thread that gives addresses of the node, and ingress-nginx is a chart of its objects
(OLD), without the program.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading

from guide import TOP, walk

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("O") or os.path.join(TOP, "build")
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.53"
DOCKER = """#!/bin/bash
# `docker build -t NAME DIR` and `docker push NAME` of a guide, where the node's
# containerd is the registry.
set -euo pipefail
case $1 in
build)
	buildah bud -q --pull=never --network host --isolation chroot --layers \\
	    "${@:2}" ;;
push)
	tar=$(mktemp -u)
	buildah push -q "$2" "docker-archive:$tar:$2"
	ctr -n k8s.io images import "$tar"
	rm "$tar" ;;
*)
	exit 2 ;;
esac
"""
OLD_CLASS = """\
{{- if .Values.controller.ingressClassResource.enabled }}
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: nginx
spec:
  controller: k8s.io/ingress-nginx
{{- end }}
"""
OLD_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: ingress-nginx-controller
data:
  proxy-read-timeout: "90"
  use-gzip: "true"
"""
OLD = {
    "Chart.yaml": "apiVersion: v2\nname: ingress-nginx\nversion: 4.13.0\n",
    "values.yaml": "controller: {ingressClassResource: {enabled: true}}\n",
    "templates/class.yaml": OLD_CLASS,
    "templates/config.yaml": OLD_CONFIG,
}


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def ingress(name, host, annotations=None, paths=(("/", "shop"),), tls=None):
    spec = {"ingressClassName": "nginx", "rules": [{"host": host, "http": {
        "paths": [{"path": p, "pathType": "Prefix", "backend": {"service": {
            "name": s, "port": {"number": 80}}}} for p, s in paths]}}]}
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": tls}]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": name, "namespace": "web", "annotations": {
                "nginx.ingress.kubernetes.io/" + k: v
                for k, v in (annotations or {}).items()}}, "spec": spec}


class LoadBalancer:
    """Gives each Service of that type an address of the node."""

    def __init__(self, node):
        self.node, self.given = node, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.over.wait(1):
            all_of_them = json.loads(self.node.run(
                "kubectl", "get", "services", "-A", "-o", "json", quiet=True))
            for s in all_of_them["items"]:
                if s["spec"]["type"] == "LoadBalancer" and not s["status"].get(
                        "loadBalancer", {}).get("ingress"):
                    self.give(s["metadata"])

    def give(self, meta):
        self.given += 1
        status = {"loadBalancer": {"ingress": [
            {"ip": f"10.203.0.{100 + self.given}", "ipMode": "VIP"}]}}
        self.node.run("kubectl", "-n", meta["namespace"], "patch", "service",
                      meta["name"], "--subresource=status", "--type=merge",
                      "-p", json.dumps({"status": status}), quiet=True,
                      check=False)      # it may be gone by now

    def end(self):
        self.over.set()
        self.thread.join()


def import_agnhost(node):
    """The guide's server, by the name that it has there."""
    root = os.path.join(node.dir, "agnhost")
    os.makedirs(root, exist_ok=True)
    subprocess.run(["gcc", "-Os", "-static", "-s", "-o", f"{root}/agnhost",
                    f"{HERE}/agnhost.c"], check=True)
    subprocess.run(["python3", f"{HERE}/mkimage.py", AGNHOST, root,
                    f"{root}.tar"],
                   check=True, stdout=subprocess.DEVNULL)
    node.run("ctr", "-n", "k8s.io", "images", "import", f"{root}.tar",
             quiet=True)


def checkout():
    """What a guide's reader has: the tree of the last commit."""
    tree = tempfile.mkdtemp()
    archive = subprocess.run(["git", "-C", TOP, "archive", "HEAD"],
                             check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "x", "-C", tree], input=archive, check=True)
    return tree


def run_notes(node):
    """The commands that helm prints after an installation."""
    notes = node.run("helm", "get", "notes", "-n", "ingress", "edge")
    commands = re.findall(r"^  (kubectl .*|helm .*)$", notes, re.M)
    for c in commands:
        node.run("bash", "-c", c)
    return len(commands) >= 4


def old_world(node, tree):
    """A cluster with ingress-nginx: its objects, and Ingresses of a tenant."""
    for name, text in OLD.items():
        put(os.path.join(tree, "ingress-nginx/ingress-nginx", name), text)
    node.run("helm", "install", "ingress-nginx", "-n", "ingress-nginx",
             "--create-namespace",
             os.path.join(tree, "ingress-nginx/ingress-nginx"))
    for argv in (
            ("create", "namespace", "web"),
            ("-n", "web", "create", "deployment", "shop", "--replicas=2",
             f"--image={AGNHOST}", "--port=8080", "--", "/agnhost", "netexec",
             "--http-port=8080"),
            ("-n", "web", "expose", "deployment", "shop", "--port=80",
             "--target-port=8080"),
            ("-n", "web", "create", "secret", "tls", "shop-tls",
             f"--cert={tree}/tls.crt", f"--key={tree}/tls.key"),
            ("-n", "web", "rollout", "status", "deployment", "shop")):
        node.run("kubectl", *argv)
    shop = ingress("shop", "shop.example.com", {
        "limit-rps": "100", "rewrite-target": "/", "wat": "1",
        "configuration-snippet": "more_set_headers \"X: y\";"},
        (("/", "shop"), ("/api", "api")), "shop-tls")
    node.run("kubectl", "apply", "-f", "-", text=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [
            shop, ingress("plain", "plain.example.com")]}))
    put(os.path.join(tree, "manifests/shop.yaml"), json.dumps(shop))


class Moving:
    """Clients of the new address while the old one goes."""

    def __init__(self, node):
        self.node, self.clients = node, None

    def before(self, block):
        if block.kind == "sh" and block.section.startswith("4.") and \
                self.clients is None:
            from check_cluster import Clients
            address = self.node.run(
                "kubectl", "-n", "ingress-ecluse", "get", "service",
                "edge-ecluse", "-o",
                "jsonpath={.status.loadBalancer.ingress[0].ip}", quiet=True)
            self.clients = Clients(self.node,
                                   f"plain.example.com@{address}:80")

    def end(self):
        return self.clients is not None and \
            self.clients.end("ingress-nginx goes")[1]


def check_guides(node):
    put(os.path.join(node.dir, "bin", "docker"), DOCKER, 0o755)
    import_agnhost(node)
    tree = checkout()
    argv = [os.path.join(node.dir, "exec")]
    env = dict(os.environ, PATH=BUILD + ":" + os.environ["PATH"])
    balancer = LoadBalancer(node)

    def notes_once(block):
        if block.section == "Out again" and block.kind == "sh":
            seen.append(run_notes(node))
    seen = []
    try:
        good = walk("doc/ingress/quickstart.md", argv, tree, env, notes_once)
        old_world(node, tree)
        moving = Moving(node)
        good &= walk("doc/ingress/migration.md", argv, tree, env,
                     moving.before)
        good &= moving.end() and seen == [True]
    finally:
        balancer.end()
        shutil.rmtree(tree)
    return good
