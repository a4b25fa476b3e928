#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_testssl.py ECLUSE [TESTSSL-OPTION...] - what testssl.sh says of us.

The configuration that ecluse-ingress makes of one Ingress, as the chart has it, and a
bare `bind ssl crt` with an RSA and an ECDSA certificate, both on loopback. Without
options it looks at protocols, preferences, forward secrecy, renegotiation and headers
(a minute); `-p -P -f -U -S -h` is the long form. What it finds that is worse than "ok"
fails, but for what is listed here with a reason.
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
BAD = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
ALLOWED = {
    # signed by themselves, for 30 days
    "cert_chain_of_trust", "cert_expirationStatus", "cert_notAfter",
    "cert_revocation", "DNS_CAArecord",
    "security_headers",         # are the application's to set
}
PLAIN = {
    "HSTS",                     # nobody asked for it
    "LUCKY13",                  # OpenSSL's list of ciphers, as in HAProxy
}


def manifests():
    """The Ingress of the quick start, with its Secret."""
    def b64(name):
        from tls_lib import scratch
        with open(scratch(name), "rb") as f:
            return base64.b64encode(f.read()).decode()
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    return [
        {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
         "metadata": {"name": "nginx"},
         "spec": {"controller": "k8s.io/ingress-nginx"}},
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
         "metadata": {"name": "t"}, "data": {"tls.crt": b64("rsa.crt"),
                                             "tls.key": b64("rsa.prv")}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
         "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
         "metadata": {"name": "i"}, "spec": {
             "ingressClassName": "nginx",
             "tls": [{"hosts": ["localhost"], "secretName": "t"}],
             "rules": [{"host": "localhost", "http": {"paths": [
                 {"path": "/", "pathType": "Prefix",
                  "backend": backend}]}}]}}]


def findings(port, options):
    out = os.path.join(os.environ["TMPDIR"], "%d.json" % port)
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off",
                    *options, "--jsonfile", out, "localhost:%d" % port],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   stdin=subprocess.DEVNULL, check=False, timeout=1800)
    with open(out, encoding="utf-8") as f:
        found = json.load(f)
    if len(found) < 10:
        raise SystemExit("testssl found next to nothing: %s" % found)
    return found


def judge(what, port, options, allowed):
    good = True
    for x in findings(port, options):
        key = x["id"].split(" ")[0]
        if x["severity"] in BAD and key not in allowed:
            print("%s: %s %s: %s" % (what, x["severity"], x["id"],
                                     x["finding"]))
            good = False
    print("%s: %s" % (what, "nothing found" if good else "see above"),
          flush=True)
    return good


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    if shutil.which("testssl") is None:
        print("testssl is missing: it is in the package testssl.sh")
        return 77
    options = sys.argv[2:] or ["-p", "-P", "-f", "-R", "-h"]
    program = os.path.abspath(sys.argv[1])
    os.environ.update(PROGRAM=program, TMPDIR=tempfile.mkdtemp())
    import tls_lib as t

    def test():
        signal.alarm(0)                 # the long form takes its time
        t.make_cert("rsa", "localhost", ("localhost",), key="rsa")
        t.make_cert("ec", "localhost", ("localhost",))
        for kind, name in (("rsa", "rsa"), ("ecdsa", "ec")):
            shutil.copy(t.scratch(name + ".pem"), t.scratch("site." + kind))
        chart, plain, http, status = (t.free_port() for _ in range(4))
        objects = t.write("o.yaml", "\n---\n".join(map(json.dumps,
                                                       manifests())))
        subprocess.run([os.path.join(os.path.dirname(program),
                                     "ecluse-ingress"), "render", objects,
                        "-o", t.scratch("conf"), "--http-port=%d" % http,
                        "--https-port=%d" % chart,
                        "--status-port=%d" % status], check=True)
        t.Proc("-f", t.scratch("conf/ecluse.cfg"))
        t.serve(t.DEFAULTS + "frontend f\n    bind 127.0.0.1:%d ssl crt %s\n"
                "    http-request return status 200\n"
                % (plain, t.scratch("site")), plain)
        t.until(lambda: not t.refused(chart), "the chart's listens")
        good = judge("chart", chart, options, ALLOWED)
        good &= judge("bind ssl crt", plain, options, ALLOWED | PLAIN)
        t.check(good, "testssl finds something")

    t.main(test, __file__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
