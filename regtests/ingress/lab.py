# SPDX-License-Identifier: Apache-2.0
"""A small cluster for tests: objects, origins on loopback, the proxy on them.

    lab = Lab()
    lab.service("web", "front")
    lab.ingress("web", "shop", [("shop.example.com", "/", "Prefix", "front")])
    lab.start()
    r = lab.get("shop.example.com", "/x")
    check(r.status == 200 and r.by == "front" and r.seen["path"] == "/x")

Every origin answers with what it saw, as JSON. Nothing listens anywhere but on
loopback; all ends with the test.
"""
import atexit
import base64
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from ports import free_port     # noqa: E402

TMP = Path(os.environ.get("TMPDIR", "/tmp/lab"))
PROGRAM = os.environ.get("PROGRAM", "build/ecluse")
INGRESS = Path(PROGRAM).with_name("ecluse-ingress")
failures = 0


def check(good, what=""):
    """Count and name what does not hold."""
    global failures
    if not good:
        failures += 1
        f = sys._getframe(1)
        print(f"{f.f_code.co_filename}:{f.f_lineno}: not so: {what}")
    return good


def equal(found, wanted, what=""):
    global failures
    if found != wanted:
        failures += 1
        f = sys._getframe(1)
        print(f"{f.f_code.co_filename}:{f.f_lineno}: {what}: "
              f"expected {wanted!r}, found {found!r}")
    return found == wanted


def until(condition, tries=500):
    """Whether it comes true; a try is each 20 ms."""
    for _ in range(tries):
        if condition():
            return True
        time.sleep(0.02)
    return False


def done():
    """The last line of a test."""
    print("failed checks:", failures)
    sys.exit(1 if failures else 0)


# Words that haproxy lacks, or the packaged one: lines, and parts of them.
OURS = re.compile(rb"^\thttp-request limit-body .*\n|"
                  rb"^\thttp-request auth-request.*\n|"
                  rb"^\t.*\{ sub_request \}\n|"
                  rb"^\thttp-response answer-from .*\n|"
                  rb"^\toption http-gateway-status\n|"
                  rb"^\ttimeout (client-hs|retry) .*\n|"
                  rb"^\tmax-keep-alive-requests \d+\n|"
                  rb" no-sni-auto\b|"
                  rb" verify-depth \d+|^\tfilter bwlim-out .*\n|"
                  rb"^\thttp-response set-bandwidth-limit .*\n", re.M)


def for_haproxy(out, copy):
    """A copy of a rendering without words of ours."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(out, copy)
    cfg = copy / "ecluse.cfg"
    cfg.write_bytes(OURS.sub(b"", cfg.read_bytes()))
    if (copy / "certs.list").exists():
        lst = copy / "certs.list"
        lst.write_bytes(OURS.sub(b"", lst.read_bytes()))
    return copy


def skip_without_ingress():
    if not INGRESS.exists():
        print("no ecluse-ingress beside", PROGRAM)
        sys.exit(77)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self):
        origin = self.server.origin
        n = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(n)
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = self.chunks()
        origin.requests += 1
        seen = {"by": origin.name, "method": self.command, "path": self.path,
                "body": body.decode("latin-1"),
                "headers": {k.lower(): v for k, v in self.headers.items()}}
        if origin.tls:
            c = self.connection
            seen["tls"] = {"sni": getattr(c, "asked_for", None),
                           "version": c.version(), "cipher": c.cipher()[0],
                           "client": dict(x[0] for x in c.getpeercert().get(
                               "subject", ())) if c.getpeercert() else None}
        status, headers, text = origin.reply(self, seen)
        out = text if text is not None else json.dumps(seen)
        out = out.encode()
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(out)

    def chunks(self):
        out = b""
        while n := int(self.rfile.readline() or b"0", 16):
            out += self.rfile.read(n)
            self.rfile.readline()
        self.rfile.readline()
        return out

    do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = do_DELETE = answer

    def log_message(self, *args):
        pass


class Origin:
    """An HTTP server that tells what it saw; reply() may be replaced."""

    def __init__(self, name, tls=None):
        """tls: an SSLContext; what is seen then tells of the connection."""
        self.name, self.requests, self.tls = name, 0, tls
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.origin = self
        self.server.daemon_threads = True
        if tls:
            def note(sock, name, context):
                sock.asked_for = name
            tls.sni_callback = note
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def reply(self, handler, seen):
        return 200, [], None


class At:
    """A server that is none of ours."""

    def __init__(self, name, port):
        self.name, self.port = name, port


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.cookies = [v for k, v in response.getheaders()
                        if k.lower() == "set-cookie"]
        self.text = response.read().decode("latin-1")
        try:
            self.seen = json.loads(self.text)
            self.by = self.seen["by"]
        except (ValueError, KeyError, TypeError):
            self.seen, self.by = {}, None


class Lab:
    def __init__(self):
        skip_without_ingress()
        self.objects, self.origins = {}, {}
        self.child, self.problems, self.ca = None, "", None
        self.http, self.https = free_port(), 0
        self.master = TMP / "master.sock"
        self.base = TMP / "base"
        TMP.mkdir(parents=True, exist_ok=True)
        self.put({"apiVersion": "networking.k8s.io/v1",
                  "kind": "IngressClass", "metadata": {"name": "nginx"},
                  "spec": {"controller": "k8s.io/ingress-nginx"}})
        self.settings({})
        atexit.register(self.stop)

    # --- objects
    def put(self, o):
        m = o["metadata"]
        self.objects[o["kind"], m.get("namespace"), m["name"]] = o
        return o

    def drop(self, kind, ns, name):
        del self.objects[kind, ns, name]

    def settings(self, data):
        """The ConfigMap of the controller."""
        self.put({"apiVersion": "v1", "kind": "ConfigMap",
                  "metadata": {"namespace": "ecluse", "name": "settings"},
                  "data": {"bind-address": "127.0.0.1", **data}})

    def service(self, ns, name, origins=None, port=80, **spec):
        """A Service and its endpoints, one origin of its name if not said
        otherwise; returns the first origin."""
        if origins is None:
            origins = [self.origins.get(name) or Origin(name)]
        for o in origins:
            self.origins[o.name] = o
        self.put({"apiVersion": "v1", "kind": "Service",
                  "metadata": {"namespace": ns, "name": name},
                  "spec": {"ports": [{"port": port}], **spec}})
        for i, o in enumerate(origins):
            self.put({"apiVersion": "discovery.k8s.io/v1",
                      "kind": "EndpointSlice", "addressType": "IPv4",
                      "metadata": {"namespace": ns, "name": f"{name}-{i}",
                                   "labels": {"kubernetes.io/service-name":
                                              name}},
                      "ports": [{"port": o.port}],
                      "endpoints": [{"addresses": ["127.0.0.1"]}]})
        return origins[0] if origins else None

    def cert(self, ns, name, *hosts):
        """A tls Secret for these hosts; the proxy listens by https, too."""
        key, crt = TMP / f"{ns}_{name}.key", TMP / f"{ns}_{name}.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
             f"/CN={name}", "-addext", "subjectAltName=" + ",".join(
                 "DNS:" + h for h in hosts), "-keyout", key, "-out", crt],
            check=True, capture_output=True)
        self.https = self.https or free_port()

        def text(path):
            return base64.b64encode(path.read_bytes()).decode()
        return self.put({"apiVersion": "v1", "kind": "Secret",
                         "type": "kubernetes.io/tls",
                         "metadata": {"namespace": ns, "name": name},
                         "data": {"tls.crt": text(crt),
                                  "tls.key": text(key)}})

    def authority(self, ns, name, crl=None):
        """A Secret with the certificate of an authority."""
        key, crt = TMP / f"{name}.key", TMP / f"{name}.crt"
        if not crt.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                 f"/CN={name}", "-keyout", key, "-out", crt],
                check=True, capture_output=True)
        data = {"ca.crt": crt.read_bytes()}
        if crl:
            data["ca.crl"] = crl
        return self.put({"apiVersion": "v1", "kind": "Secret",
                         "metadata": {"namespace": ns, "name": name},
                         "data": {k: base64.b64encode(v).decode()
                                  for k, v in data.items()}})

    def issue(self, subject, ca, is_ca=False, chain=(), sans=()):
        """Certificate, key and chain by an authority, as one PEM file."""
        pem = TMP / (re.sub(r"\W", "_", subject) + "_" + ca + ".pem")
        key, csr, crt = (pem.with_suffix(s) for s in (".key", ".csr", ".crt"))
        ext = TMP / "issue.ext"
        ext.write_text(f"basicConstraints=CA:{str(is_ca).lower()}\n" + (
            "subjectAltName=" + ",".join("DNS:" + s for s in sans)
            if sans else ""))
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                        "-keyout", key, "-out", csr], check=True,
                       capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", csr, "-days", "30",
                        "-CA", TMP / f"{ca}.crt", "-CAkey", TMP / f"{ca}.key",
                        "-set_serial", str(time.monotonic_ns()), "-extfile",
                        ext, "-out", crt], check=True, capture_output=True)
        pem.write_bytes(b"".join(p.read_bytes() for p in (crt, *chain, key)))
        return pem

    def shown(self, sni):
        """The CN of the certificate that a client with this SNI is shown."""
        c = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", self.https), 10) as raw:
            with c.wrap_socket(raw, server_hostname=sni) as s:
                der = s.getpeercert(binary_form=True)
        r = subprocess.run(["openssl", "x509", "-inform", "der", "-noout",
                            "-subject", "-nameopt", "multiline"], input=der,
                           capture_output=True)
        return re.search(r"commonName\s*= (.*)",
                         r.stdout.decode()).group(1)

    def ingress(self, ns, name, rules, annotations=None, created=None,
                cls="nginx", tls=None, default=None):
        """rules: (host or None, path, type, service)."""
        prefix = "nginx.ingress.kubernetes.io/"
        hosts = {}
        for host, path, kind, service in rules:
            hosts.setdefault(host, []).append(
                {"path": path, "pathType": kind, "backend": {
                    "service": {"name": service, "port": {"number": 80}}}})
        spec = {"rules": [{**({"host": h} if h else {}),
                           "http": {"paths": p}} for h, p in hosts.items()]}
        if cls:
            spec["ingressClassName"] = cls
        if tls:
            spec["tls"] = tls
        if default:
            spec["defaultBackend"] = {"service": {
                "name": default, "port": {"number": 80}}}
        meta = {"namespace": ns, "name": name, "annotations": {
            (k if "/" in k else prefix + k): v
            for k, v in (annotations or {}).items()}}
        if created:
            meta["creationTimestamp"] = created
        return self.put({"apiVersion": "networking.k8s.io/v1",
                         "kind": "Ingress", "metadata": meta, "spec": spec})

    # --- the proxy
    def render(self, *flags):
        """Writes the objects and the configuration; true when all is good."""
        (TMP / "objects.json").write_text(json.dumps(
            {"apiVersion": "v1", "kind": "List",
             "items": list(self.objects.values())}))
        r = subprocess.run(
            [INGRESS, "render", "--http-port", str(self.http),
             "--https-port", str(self.https), "--allow-loopback-endpoints",
             "--configmap", "ecluse/settings", "-o", self.base, *flags,
             TMP / "objects.json"], capture_output=True, text=True)
        self.problems = r.stderr
        return r.returncode == 0

    def start(self, *flags, program=None):
        check(self.render(*flags), self.problems)
        self.log = open(TMP / "proxy.log", "ab")
        self.child = subprocess.Popen(
            [program or PROGRAM, "-W", "-S", self.master, "-f",
             self.base / "ecluse.cfg"],
            stdout=self.log, stderr=self.log)
        for _ in range(1500):
            if self.child.poll() is not None:
                break
            # one address may listen before the other, and both before
            # anybody accepts
            if re.search(r"(?m)^\d+ +worker ", self.ask_master("show proc")):
                return self
            time.sleep(0.02)
        print((TMP / "proxy.log").read_text())
        print((self.base / "ecluse.cfg").read_text())
        sys.exit("the proxy does not answer")

    def reload(self, *flags):
        """Render again and have the proxy take it; its answer."""
        check(self.render(*flags), self.problems)
        return self.ask_master("reload")

    def take(self, **data):
        """Reload with these settings, their names with '_' for '-'."""
        self.settings({k.replace("_", "-"): v for k, v in data.items()})
        answer = self.reload()
        check("Success=1" in answer, f"{data}: {answer}")

    def ask_master(self, command):
        """Its answer; "" when it is not there yet."""
        out = b""
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(str(self.master))
                s.sendall(command.encode() + b"\n")
                s.shutdown(socket.SHUT_WR)
                while chunk := s.recv(4096):
                    out += chunk
            except OSError:
                return ""
        return out.decode()

    def stop(self):
        if self.child and self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    # --- requests
    def request(self, method, host, path, headers=None, body=None,
                https=False, cert=None, sni=True, context=None):
        """sni: True: the host; None: none; or another name."""
        if https:
            context = context or ssl._create_unverified_context()
            if cert:
                context.load_cert_chain(cert)
            c = http.client.HTTPSConnection("127.0.0.1", self.https,
                                            timeout=10, context=context)
            raw = socket.create_connection(("127.0.0.1", self.https), 10)
            c.sock = context.wrap_socket(
                raw, server_hostname=host if sni is True else sni)
        else:
            c = http.client.HTTPConnection("127.0.0.1", self.http,
                                           timeout=10)
        h = dict(headers or {})
        if host is not None:
            h.setdefault("Host", host)
        try:
            c.request(method, path, body=body, headers=h,
                      encode_chunked="Transfer-Encoding" in h)
        except (BrokenPipeError, ConnectionResetError):
            pass                # the answer may be there all the same
        answer = Answer(c.getresponse())
        c.close()
        return answer

    def get(self, host, path, **headers):
        return self.request("GET", host, path,
                            {k.replace("_", "-"): v
                             for k, v in headers.items()})
