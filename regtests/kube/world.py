# SPDX-License-Identifier: Apache-2.0
"""A world for tests of the generator: a real API server, servers behind the
proxy, both programs, and clients that never try again.

All of it lives in network, mount and process namespaces of its own: addresses of
"pods" are local there, and nothing is left when the first process ends.
"""

import contextlib
import http.client
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from ports import free_ports    # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("O", os.path.join(TOP, "build"))
PODS = "10.88"                  # addresses of pods: 10.88.x.y


def enter():
    """Run this program again in namespaces of its own; returns inside."""
    if os.environ.get("ECLUSE_KUBE_INSIDE"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "route", "add", "local", f"{PODS}.0.0/16",
                        "dev", "lo"], check=True)
        return
    kube = subprocess.run([os.path.join(HERE, "build.sh")], check=False,
                          stdout=subprocess.PIPE, text=True)
    helm = subprocess.run([os.path.join(HERE, "build.sh"), "helm"],
                          check=False, stdout=subprocess.PIPE, text=True)
    if kube.returncode != 0 or helm.returncode != 0:
        print("skip  check-kube: Kubernetes and helm cannot be built here; "
              "see above")
        sys.exit(77)
    env = dict(os.environ, ECLUSE_KUBE_INSIDE="1", HELM=helm.stdout.strip())
    os.execvpe("unshare", ["unshare", "--net", "--mount", "--pid", "--fork",
                           "--kill-child", "--mount-proc", sys.executable,
                           *sys.argv], env)


def until(what, seconds=60, every=0.02):
    """The first true value of what(); AssertionError when time is over. The
    limit is for what never comes: a busy machine is late by seconds."""
    end = time.monotonic() + seconds
    while True:
        try:
            got, err = what(), None
        except (OSError, http.client.HTTPException, AssertionError,
                KeyError, IndexError) as e:
            got, err = None, e
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s"
                                 + (f": {err!r}" if err else ""))
        time.sleep(every)


class Pod:
    """A server that says who it is and what it was asked."""

    made = 0

    def __init__(self, name, port=8080, tls=None):
        Pod.made += 1
        self.ip = f"{PODS}.{Pod.made // 250}.{Pod.made % 250 + 1}"
        self.name, self.port, self.seen = name, port, 0
        self.delay = 0
        pod = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                n = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(n)
                pod.seen += 1
                time.sleep(pod.delay)
                out = json.dumps({
                    "pod": pod.name, "method": self.command,
                    "path": self.path, "body": len(body),
                    "headers": {k.lower(): v for k, v
                                in self.headers.items()}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.send_header("X-Pod", pod.name)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(out)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer
            do_OPTIONS = do_PATCH = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass            # a connection that ends is none

        self.server = Server((self.ip, port), Handler)
        if tls:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ctx.load_cert_chain(*tls)
            self.server.socket = ctx.wrap_socket(self.server.socket,
                                                 server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Answer:
    def __init__(self, status, headers, body, cert=None):
        self.status, self.headers, self.body = status, headers, body
        self.cert = cert        # of a TLS server, DER

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def pod(self):
        return self.json["pod"] if self.status == 200 else None

    def __repr__(self):
        return f"<{self.status} {self.body[:80]!r}>"


class World:
    def __init__(self, controllers=False):
        self.dir = tempfile.mkdtemp(prefix="kube-")
        self.procs = []
        self.pods = []
        env = dict(os.environ, **({"WITH_KCM": "1"} if controllers else {}))
        subprocess.run([os.path.join(HERE, "up.sh"), self.file("api")],
                       check=True, env=env, stdout=subprocess.DEVNULL)
        self.kubeconfig = self.file("api/kubeconfig")
        with open(self.file("api/env")) as f:
            words = dict(line.split()[1].split("=", 1) for line in f)
        self.kube, self.api_port = words["KUBE"], int(words["API_PORT"])
        with open(self.file("api/pki/tokens.csv")) as f:
            self.token = next(line.split(",")[0] for line in f
                              if line.split(",")[1] == "admin")
        self.tls = ssl.create_default_context(
            cafile=self.file("api/pki/ca.crt"))

    def file(self, name):
        return os.path.join(self.dir, name)

    def stop(self):
        for p in self.procs:
            p.kill()
            p.wait()
        subprocess.run([os.path.join(HERE, "down.sh"), self.file("api")],
                       check=False)
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    # --- the API server ------------------------------------------------------

    def kubectl(self, *args, text=None, ok=True):
        p = subprocess.run([self.kube, "kubectl", "--kubeconfig",
                            self.kubeconfig, *args], input=text, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           check=False)
        if ok and p.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: {p.stderr}")
        return p.stdout

    def apply(self, *objects):
        self.kubectl("apply", "-f", "-", text=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def api(self, path, method="GET", body=None,
            kind="application/json"):
        req = urllib.request.Request(
            f"https://127.0.0.1:{self.api_port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}",
                     "Content-Type": kind})
        with urllib.request.urlopen(req, context=self.tls, timeout=10) as r:
            return json.load(r)

    def patch(self, path, body):
        return self.api(path, "PATCH", body,
                        "application/merge-patch+json")

    def events(self, namespace="default"):
        return [(e["involvedObject"].get("name"), e["reason"], e["message"])
                for e in self.api(f"/api/v1/namespaces/{namespace}/events")[
                    "items"]]

    def restart_api(self, down_s=0):
        """Kill the API server and start it again on the same port."""
        with open(self.file("api/apiserver.pid")) as f:
            pid = int(f.read())
        with open(f"/proc/{pid}/cmdline") as f:
            argv = f.read().split("\0")[:-1]
        os.kill(pid, 9)
        os.waitpid(pid, 0)      # we are its parent: the first process here
        time.sleep(down_s)
        with open(self.file("api/apiserver.log"), "a") as log:
            p = subprocess.Popen(argv, stdout=log, stderr=log,
                                 stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        with open(self.file("api/apiserver.pid"), "w") as f:
            f.write(str(p.pid))
        self.procs.append(p)
        until(lambda: self.api("/api/v1/namespaces/default"))

    # --- objects -------------------------------------------------------------

    def service(self, name, *pods, port=80, target=8080, namespace="default",
                protocol_name="http", **spec):
        self.apply(
            {"apiVersion": "v1", "kind": "Service",
             "metadata": {"name": name, "namespace": namespace},
             "spec": {"ports": [{"name": protocol_name, "port": port,
                                 "targetPort": target}], **spec}},
            self.slice(name, *pods, target=target, namespace=namespace,
                       protocol_name=protocol_name))

    def slice(self, name, *pods, target=8080, namespace="default",
              protocol_name="http", terminating=()):
        def endpoint(p):
            leaves = p in terminating
            return {"addresses": [p.ip], "conditions": {
                "ready": not leaves, "serving": True, "terminating": leaves}}
        return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": f"{name}-1", "namespace": namespace,
                             "labels": {"kubernetes.io/service-name": name}},
                "addressType": "IPv4",
                "ports": [{"name": protocol_name, "port": target,
                           "protocol": "TCP"}],
                "endpoints": [endpoint(p) for p in pods]}

    def put_slice(self, *args, **kw):
        """Replace it; quicker than kubectl."""
        s = self.slice(*args, **kw)
        return self.patch(
            "/apis/discovery.k8s.io/v1/namespaces/"
            f"{s['metadata']['namespace']}/endpointslices/"
            f"{s['metadata']['name']}",
            {"endpoints": s["endpoints"], "ports": s["ports"]})

    @staticmethod
    def ingress(name, host=None, *paths, annotations=None, tls=None,
                cls="nginx", namespace="default", default=None):
        """paths: (path, type, service) or (path, type, service, port)."""
        spec = {}
        if cls:
            spec["ingressClassName"] = cls
        if default:
            spec["defaultBackend"] = {"service": {
                "name": default, "port": {"number": 80}}}
        if paths:
            rule = {"http": {"paths": [
                {"path": p[0], "pathType": p[1], "backend": {"service": {
                    "name": p[2], "port":
                    {"number": p[3] if len(p) > 3 else 80}}}}
                for p in paths]}}
            if host:
                rule["host"] = host
            spec["rules"] = [rule]
        if tls:
            spec["tls"] = [{"hosts": [host], "secretName": tls}]
        return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "metadata": {"name": name, "namespace": namespace,
                             "annotations": {
                                 f"nginx.ingress.kubernetes.io/{k}": v
                                 for k, v in (annotations or {}).items()}},
                "spec": spec}

    def ingress_class(self, name="nginx", controller="k8s.io/ingress-nginx"):
        self.apply({"apiVersion": "networking.k8s.io/v1",
                    "kind": "IngressClass", "metadata": {"name": name},
                    "spec": {"controller": controller}})

    def certificate(self, *names, key="ec"):
        """(certificate, key) files of a new self-signed certificate."""
        base = tempfile.mktemp(dir=self.dir, prefix="cert-")
        new = {"ec": ["-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:prime256v1"],
               "rsa": ["-newkey", "rsa:2048"]}[key]
        subprocess.run(
            ["openssl", "req", "-x509", *new, "-nodes", "-days", "2",
             "-subj", f"/CN={names[0]}", "-addext", "subjectAltName="
             + ",".join(f"DNS:{n}" for n in names),
             "-out", base + ".crt", "-keyout", base + ".key"],
            check=True, stderr=subprocess.DEVNULL)
        return base + ".crt", base + ".key"

    def tls_secret(self, name, pair, namespace="default"):
        with open(pair[0]) as c, open(pair[1]) as k:
            self.apply({"apiVersion": "v1", "kind": "Secret",
                        "type": "kubernetes.io/tls",
                        "metadata": {"name": name, "namespace": namespace},
                        "stringData": {"tls.crt": c.read(),
                                       "tls.key": k.read()}})

    # --- our programs --------------------------------------------------------

    def start(self, name, argv, **env):
        log = open(self.file(name + ".log"), "ab")
        p = subprocess.Popen(argv, stdout=log, stderr=log,
                             stdin=subprocess.DEVNULL,
                             env=dict(os.environ, **env))
        p.name = name
        self.procs.append(p)
        return p

    def log(self, name):
        with open(self.file(name + ".log"), errors="replace") as f:
            return f.read()

    def instance(self, name="one", *args, namespace="ecluse-system",
                 kubeconfig=None):
        """A proxy and its generator, as the chart would start them."""
        return Instance(self, name, list(args), namespace,
                        kubeconfig or self.kubeconfig)

    def pod_object(self, name, node, namespace="ecluse-system", ready=True):
        """A pod of a replica, as it looks when it runs; nothing runs in it."""
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {
            "name": name, "namespace": namespace, "labels": {"app": "edge"}},
            "spec": {"nodeName": node, "automountServiceAccountToken": False,
                     "containers": [{"name": "x", "image": "x"}]}})
        self.patch(f"/api/v1/namespaces/{namespace}/pods/{name}/status",
                   {"status": {"phase": "Running", "conditions": [
                       {"type": "Ready",
                        "status": "True" if ready else "False"}]}})

    def node_object(self, name, **addresses):
        self.apply({"apiVersion": "v1", "kind": "Node",
                    "metadata": {"name": name}})
        self.patch(f"/api/v1/nodes/{name}/status", {"status": {"addresses": [
            {"type": t, "address": a} for t, a in addresses.items()]}})

    def account(self, name, namespace="ecluse-system"):
        """The kubeconfig of a service account that is there."""
        token = self.kubectl("create", "token", name, "-n", namespace).strip()
        path = self.file(f"{name}.kubeconfig")
        with open(self.kubeconfig) as f:
            text = f.read().replace(self.token, token)
        with open(path, "w") as f:
            f.write(text)
        return path

    def published(self, name, namespace="default"):
        """The addresses in the status of an Ingress."""
        o = self.api("/apis/networking.k8s.io/v1/namespaces/"
                     f"{namespace}/ingresses/{name}")
        return [a.get("ip") or a.get("hostname") for a in
                o["status"].get("loadBalancer", {}).get("ingress") or []]


class Instance:
    def __init__(self, world, name, args, namespace, kubeconfig):
        self.world, self.name = world, name
        self.dir = world.file(name)
        os.mkdir(self.dir)
        self.http, self.https, self.status, self.health = free_ports(4)
        self.socket = os.path.join(self.dir, "master.sock")
        self.args = [f"--dir={self.dir}/conf", f"--http-port={self.http}",
                     f"--https-port={self.https}",
                     f"--status-port={self.status}", "--enable-metrics",
                     *args]
        self.env = {"POD_NAME": name, "POD_NAMESPACE": namespace}
        self.tool = os.path.join(BUILD, "ecluse-ingress")
        subprocess.run([self.tool, "init", *self.args], check=True,
                       stdout=subprocess.DEVNULL,
                       env=dict(os.environ, **self.env))
        self.proxy = world.start(f"{name}-proxy", [
            os.path.join(BUILD, "ecluse"), "-W", "-S", self.socket, "-f",
            f"{self.dir}/conf/current"])
        self.controller, self.kubeconfig = None, kubeconfig
        self.run()

    def again(self):
        """Both once more, after stop()."""
        self.proxy = self.world.start(f"{self.name}-proxy", self.proxy.args)
        self.run()
        return self

    def run(self):
        self.controller = self.world.start(
            f"{self.name}-controller",
            [self.tool, "run", *self.args,
             f"--kubeconfig={self.kubeconfig}",
             f"--master-socket={self.socket}",
             f"--healthz-port={self.health}"], **self.env)

    def ready(self, seconds=60):
        until(lambda: self.ask("/readyz").status == 200, seconds)
        return self

    def ask(self, path, port=None):
        return request("127.0.0.1", port or self.health, path)

    def get(self, host, path="/", tls=False, **kw):
        return request("127.0.0.1", self.https if tls else self.http, path,
                       host=host, tls=tls, **kw)

    def stop(self, sig=15):
        for p in (self.controller, self.proxy):
            if p.poll() is None:
                p.send_signal(sig)
        for p in (self.controller, self.proxy):
            p.wait(30)


def request(ip, port, path, host=None, method="GET", headers=None, body=None,
            tls=False, timeout=5):
    """One request over one connection; never again when it fails."""
    conn = http.client.HTTPConnection(ip, port, timeout=timeout)
    cert = None
    if tls:
        ctx = ssl.create_default_context()
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection((ip, port), timeout)
        conn.sock = ctx.wrap_socket(raw, server_hostname=host)
        cert = conn.sock.getpeercert(True)
    with contextlib.closing(conn):
        h = {"Host": host} if host else {}
        conn.request(method, path, body, {**h, **(headers or {})})
        r = conn.getresponse()
        return Answer(r.status, dict((k.lower(), v) for k, v
                                     in r.getheaders()), r.read(), cert)


class Load:
    """Clients that ask all the time and never again; counts what failed."""

    def __init__(self, instance, host, path="/", n=4, rate=100, keep=True):
        self.instance, self.host, self.path = instance, host, path
        self.ip = getattr(instance, "ip", "127.0.0.1")
        self.n, self.gap, self.keep = n, n / rate, keep
        self.done, self.failed, self.pods = 0, [], {}
        self.end = threading.Event()
        self.lock = threading.Lock()
        self.threads = []

    def __enter__(self):
        for _ in range(self.n):
            t = threading.Thread(target=self.client, daemon=True)
            t.start()
            self.threads.append(t)
        return self

    def __exit__(self, *_):
        self.end.set()
        for t in self.threads:
            t.join(10)

    def client(self):
        conn, port = None, 0
        due = time.monotonic()
        while not self.end.is_set():
            due += self.gap
            try:
                if conn is None:
                    conn = http.client.HTTPConnection(
                        self.ip, self.instance.http, timeout=10)
                conn.request("GET", self.path, headers={"Host": self.host})
                port = conn.sock.getsockname()[1]
                r = conn.getresponse()
                r.read()
                with self.lock:
                    self.done += 1
                    pod = r.headers.get("X-Pod")
                    self.pods[pod] = self.pods.get(pod, 0) + 1
                    if r.status != 200:
                        self.failed.append(r.status)
                if not self.keep or r.will_close:
                    conn.close()
                    conn = None
            except (OSError, http.client.HTTPException) as e:
                with self.lock:
                    self.failed.append((time.strftime("%H:%M:%S.") + f"{time.time() % 1:.3f}"[2:], port, repr(e)))
                conn = None
            self.end.wait(max(0, due - time.monotonic()))
