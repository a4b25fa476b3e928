# SPDX-License-Identifier: Apache-2.0
"""An API server for tests that goes wrong on purpose, on loopback.

    api = FakeApi()
    api.put(obj)                        # made or changed; watchers hear it
    api.drop("Ingress", "web", "shop")
    api.fault("/services?", status=429, fields=[("Retry-After", "1")], times=2)
    api.fault("watch=1", act=half_a_line)

It lists in pages, watches from a version, keeps Leases and Events, and writes
down what it was asked. What is here is as much of the protocol as the generator
speaks; regtests/kube has the real one.
"""
import http.client
import http.server
import json
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from ports import free_port     # noqa: E402

KINDS = {
    "Ingress": ("apis/networking.k8s.io/v1", "ingresses", True),
    "IngressClass": ("apis/networking.k8s.io/v1", "ingressclasses", False),
    "Service": ("api/v1", "services", True),
    "EndpointSlice": ("apis/discovery.k8s.io/v1", "endpointslices", True),
    "Secret": ("api/v1", "secrets", True),
    "ConfigMap": ("api/v1", "configmaps", True),
    "Namespace": ("api/v1", "namespaces", False),
    "Pod": ("api/v1", "pods", True),
    "Node": ("api/v1", "nodes", False),
    "Lease": ("apis/coordination.k8s.io/v1", "leases", True),
    "Event": ("api/v1", "events", True),
}
PLURAL = {plural: kind for kind, (_, plural, _) in KINDS.items()}


class Fault:
    def __init__(self, match, times, act):
        self.match, self.times, self.act, self.met = match, times, act, 0


class Watcher:
    def __init__(self, kind, wants):
        self.kind, self.wants, self.events = kind, wants, queue.Queue()


class FakeApi:
    def __init__(self):
        self.objects, self.version = {}, 100
        self.watchers, self.faults, self.asked = [], [], []
        self.lock = threading.RLock()
        self.history = []       # (version, type, kind, object)
        self.token = None       # what a client must show
        self.stopped = False
        api = self

        class Handler(Request):
            pass
        Handler.api = api
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()

    def stop(self):
        """Nobody listens any more, and all connections end."""
        self.stopped = True
        self.server.shutdown()
        self.server.server_close()
        self.hang_up()

    def start_again(self):
        """On the same port, with the same objects."""
        self.stopped = False
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", self.port), self.server.RequestHandlerClass)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()

    def hang_up(self):
        """All watches end."""
        with self.lock:
            for w in self.watchers:
                w.events.put(None)

    # --- objects -------------------------------------------------------------

    def put(self, *objects):
        with self.lock:
            for o in objects:
                m = o["metadata"]
                key = o["kind"], m.get("namespace"), m["name"]
                old = self.objects.get(key)
                self.version += 1
                m["resourceVersion"] = str(self.version)
                m["uid"] = old["metadata"]["uid"] if old else \
                    f"uid-{self.version}"
                self.objects[key] = o
                self.tell("MODIFIED" if old else "ADDED", o)

    def drop(self, kind, ns, name):
        with self.lock:
            o = self.objects.pop((kind, ns, name))
            self.version += 1
            o["metadata"]["resourceVersion"] = str(self.version)
            self.tell("DELETED", o)

    def get(self, kind, ns, name):
        return self.objects.get((kind, ns, name))

    def all(self, kind):
        with self.lock:
            return [o for _, o in sorted(
                ((str(k), o) for k, o in self.objects.items()
                 if k[0] == kind), key=lambda x: x[0])]

    def tell(self, what, o):
        line = json.dumps({"type": what, "object": o}).encode() + b"\n"
        self.history.append((self.version, o["kind"], o, line))
        for w in self.watchers:
            if w.kind == o["kind"] and w.wants(o):
                w.events.put(line)

    # --- what goes wrong -----------------------------------------------------

    def fault(self, match, status=None, fields=(), body="", times=1,
              act=None):
        """The next `times` requests whose line has `match` in it are answered
        with `status`, or by act(handler)."""
        def answer(h):
            h.reply(status, body, fields)
        f = Fault(match, times, act or answer)
        with self.lock:
            self.faults.append(f)
        return f

    def find_fault(self, line):
        with self.lock:
            for f in self.faults:
                if f.times > 0 and f.match in line:
                    f.times -= 1
                    f.met += 1
                    return f
        return None

    def count(self, *words):
        """How many requests had all these words in their line."""
        with self.lock:
            return sum(all(w in a for w in words) for a in self.asked)


def status(code, message=""):
    return json.dumps({"kind": "Status", "apiVersion": "v1", "code": code,
                       "status": "Failure", "message": message})


def reset(h):
    """The connection is reset."""
    h.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
    h.close_connection = True
    h.connection.close()


def nothing(h):
    """The connection ends without a byte."""
    h.close_connection = True
    h.connection.shutdown(socket.SHUT_RDWR)


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 0

    def log_message(self, *_):
        pass

    # --- answers -------------------------------------------------------------

    def reply(self, code, body="", fields=(), kind="application/json"):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(code)
        names = {k.lower() for k, _ in fields}
        if "content-type" not in names:
            self.send_header("Content-Type", kind)
        for k, v in fields:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")

    # --- requests ------------------------------------------------------------

    def serve(self):
        api = self.api
        if api.stopped:         # a connection that was kept
            return nothing(self)
        line = f"{self.command} {urllib.parse.unquote(self.path)}"
        n = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(n)
        with api.lock:
            api.asked.append(line)
        if api.token and self.headers.get("Authorization") != \
                f"Bearer {api.token}":
            return self.reply(401, status(401, "Unauthorized"))
        fault = api.find_fault(line)
        if fault:
            return fault.act(self)
        return self.obey()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def obey(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        words = url.path.strip("/").split("/")
        ns = name = sub = None
        at = 2 if words[0] == "api" else 3
        if words[at] == "namespaces" and len(words) > at + 2:
            ns, at = words[at + 1], at + 2
        kind = PLURAL.get(words[at])
        if kind is None:
            return self.reply(404, status(404))
        if len(words) > at + 1:
            name = words[at + 1]
        if len(words) > at + 2:
            sub = words[at + 2]
        if self.command == "GET" and name is None:
            return self.collection(kind, ns, query)
        return self.one(kind, ns, name, sub)

    @staticmethod
    def wants(ns, query):
        field, _, value = query.get("fieldSelector", "").partition("=")
        labels = dict(x.partition("=")[::2] for x in
                      query.get("labelSelector", "").split(",") if x)

        def test(o):
            m = o["metadata"]
            return ((ns is None or m.get("namespace") == ns) and
                    (field != "type" or o.get("type") == value) and
                    (field != "metadata.name" or m["name"] == value) and
                    all(m.get("labels", {}).get(k) == v
                        for k, v in labels.items()))
        return test

    def collection(self, kind, ns, query):
        api, wants = self.api, self.wants(ns, query)
        if query.get("watch"):
            return self.watch(kind, wants, int(query["resourceVersion"]))
        with api.lock:
            items = [o for o in api.all(kind) if wants(o)]
            version = api.version
            limit = int(query.get("limit", 1 << 30))
            first = int(query.get("continue", 0))
            page = json.dumps({
                "kind": kind + "List", "apiVersion": "v1", "metadata": {
                    "resourceVersion": str(version), "continue":
                    str(first + limit) if first + limit < len(items) else ""},
                "items": items[first:first + limit]})
        return self.reply(200, page)

    def watch(self, kind, wants, version):
        api = self.api
        w = Watcher(kind, wants)
        with api.lock:
            for v, k, o, line in api.history:
                if v > version and k == kind and wants(o):
                    w.events.put(line)
            api.watchers.append(w)
        self.begin_stream()
        try:
            while True:
                line = w.events.get()
                if line is None:
                    break
                if callable(line):
                    line(self)
                else:
                    self.chunk(line)
            self.end_stream()
        finally:
            with api.lock:
                api.watchers.remove(w)
            self.close_connection = True

    def one(self, kind, ns, name, sub):
        api = self.api
        given = json.loads(self.body) if self.body else {}
        with api.lock:
            old = api.get(kind, ns, name)
            if self.command == "POST":
                name = given["metadata"]["name"]
                if api.get(kind, ns, name):
                    return self.reply(409, status(409))
                api.put({**given, "kind": kind})
                return self.reply(201, json.dumps(given))
            if old is None:
                return self.reply(404, status(404))
            if self.command == "PUT":
                if given["metadata"].get("resourceVersion") != \
                        old["metadata"]["resourceVersion"]:
                    return self.reply(409, status(409))
                api.put({**given, "kind": kind})
            if self.command == "PATCH":
                new = json.loads(json.dumps(old))
                merge(new, given)
                api.put(new)
            return self.reply(200, json.dumps(api.get(kind, ns, name)))


def merge(to, patch):
    """RFC 7396."""
    for k, v in patch.items():
        if v is None:
            to.pop(k, None)
        elif isinstance(v, dict) and isinstance(to.get(k), dict):
            merge(to[k], v)
        else:
            to[k] = v


def stop_watch(api, kind, act):
    """The next thing that watchers of a kind get is what act(handler) does."""
    with api.lock:
        for w in api.watchers:
            if w.kind == kind:
                w.events.put(act)


def until(what, seconds=20, every=0.01):
    """The first true value of what(); AssertionError when time is over."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(every)


# --- the other side: the generator, and who it tells to reload ---------------

class FakeMaster:
    """Answers on a master socket: each reload is counted, and taken unless
    `refuse` says why not."""

    def __init__(self, path):
        self.path, self.refuse, self.reloads = str(path), None, 0
        self.asked = 0
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            conn, _ = self.sock.accept()
            with conn:
                while conn.recv(4096):
                    pass
                self.asked += 1
                self.reloads += self.refuse is None
                conn.sendall(b"Success=1\n" if self.refuse is None else
                             f"Success=0\n--\n{self.refuse}\n".encode())


class Generator:
    """`ecluse-ingress run` beside a fake API server."""

    def __init__(self, program, api, folder, *args, token_file=None,
                 name="gen-0"):
        self.program, self.api, self.dir = program, api, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.health = free_port()
        self.master = folder / "master.sock"
        self.conf = folder / "kubeconfig"
        user = {"tokenFile": str(token_file)} if token_file else {}
        self.conf.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{"name": "c", "context": {
                "cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": api.url}}],
            "users": [{"name": "u", "user": user}]}))
        self.args = [
            f"--dir={folder}/conf", f"--master-socket={self.master}",
            f"--kubeconfig={self.conf}", f"--healthz-port={self.health}",
            "--healthz-host=127.0.0.1", "--https-port=0",
            "--reload-interval=10ms", "--wait-before-update=5ms", *args]
        self.env = dict(os.environ, POD_NAME=name, POD_NAMESPACE="ecluse")
        self.child = None

    def start(self, **how):
        self.logfile = open(self.dir / "log", "ab")
        self.child = subprocess.Popen(
            [self.program, "run", *self.args], stdout=self.logfile,
            stderr=self.logfile, env=self.env, **how)
        return self

    def stop(self, sig=15):
        if self.child and self.child.poll() is None:
            self.child.send_signal(sig)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    def ask(self, path):
        """(status, text) of a probe; (0, "") when nobody answers."""
        c = http.client.HTTPConnection("127.0.0.1", self.health, timeout=10)
        try:
            c.request("GET", path)
            r = c.getresponse()
            return r.status, r.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            c.close()

    def ready(self):
        def is_ready():
            assert self.child.poll() is None, "the generator has ended"
            return self.ask("/readyz")[0] == 200
        until(is_ready)
        return self

    def metric(self, name):
        for line in self.ask("/metrics")[1].splitlines():
            if line.split(" ")[0].split("{")[0] == name:
                return float(line.split(" ")[-1])
        return None

    def log(self):
        return (self.dir / "log").read_text(errors="replace")

    def said(self, *words):
        """Lines of the log that have all these words."""
        return [x for x in self.log().splitlines()
                if all(w in x for w in words)]

    def file(self, name):
        path = self.dir / "conf" / "current" / name
        return path.read_text() if path.exists() else ""

    def serves(self, word):
        """Wait until the rendering has this word in its maps."""
        return until(lambda: word in self.file("maps/prefix.map"))
