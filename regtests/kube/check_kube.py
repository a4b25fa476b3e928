#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_kube.py [CASE...] - the generator against a real API server.

Objects go in by kubectl, requests go through the proxy. Prints a line for each
case, and "N passed, N failed, N skipped".  KEEP=1 keeps the files of the run.
"""

import json
import os
import subprocess
import sys
import time
import traceback

import world
from world import Load, Pod, World, until

CASES = []


def case(fn):
    CASES.append(fn)
    return fn


class Kit:
    """What cases share: one world, one instance, some pods."""

    def __init__(self):
        self.w = World()
        self.w.kubectl("create", "namespace", "ecluse-system")
        # A controller would have made them; there is none here.
        for ns in ("default", "ecluse-system"):
            self.w.kubectl("create", "serviceaccount", "default", "-n", ns)
        self.w.ingress_class()
        self.a, self.b, self.c = Pod("a"), Pod("b"), Pod("c")
        self.w.service("app", self.a)
        self.w.service("other", self.b)
        self.one = self.w.instance("one").ready()

    def served(self, host, path="/", pod="a", seconds=60, **kw):
        """Wait until `pod` answers."""
        return until(lambda: (r := self.one.get(host, path, **kw)).pod == pod
                     and r, seconds)

    def status(self, host, want, path="/", seconds=60, **kw):
        return until(lambda: (r := self.one.get(host, path, **kw)).status
                     == want and r, seconds)


# --- routing ------------------------------------------------------------------

@case
def objects_become_traffic(k):
    k.w.apply(k.w.ingress("first", "first.test", ("/", "Prefix", "app")))
    r = k.served("first.test", "/some/path?q=1")
    assert r.json["path"] == "/some/path?q=1"
    assert r.json["headers"]["host"] == "first.test"
    assert k.one.get("nobody.test").status == 404
    k.w.kubectl("delete", "ingress", "first")
    k.status("first.test", 404)


@case
def the_three_path_types(k):
    k.w.apply(k.w.ingress(
        "types", "types.test", ("/exact", "Exact", "app"),
        ("/prefix", "Prefix", "app"), ("/prefix/longer", "Prefix", "other"),
        ("/impl", "ImplementationSpecific", "app")))
    k.served("types.test", "/exact")
    for path, pod in (("/exact", "a"), ("/exact/", None), ("/exactly", None),
                      ("/prefix", "a"), ("/prefix/", "a"),
                      ("/prefix/x", "a"), ("/prefixed", None),
                      ("/prefix/longer", "b"), ("/prefix/longer/x", "b"),
                      ("/prefix/longerer", "a"), ("/impl", "a"),
                      ("/implicit", "a"), ("/", None)):
        r = k.one.get("types.test", path)
        assert r.pod == pod and (pod or r.status == 404), (path, r)


@case
def an_exact_host_before_a_wildcard(k):
    k.w.apply(k.w.ingress("wild", "*.wild.test", ("/", "Prefix", "app")),
              k.w.ingress("exact", "one.wild.test",
                          ("/only", "Prefix", "other")))
    k.served("two.wild.test")
    k.served("one.wild.test", "/only", "b")
    assert k.one.get("one.wild.test", "/else").status == 404
    assert k.one.get("wild.test").status == 404
    assert k.one.get("a.b.wild.test").status == 404
    assert k.one.get("TWO.Wild.Test").pod == "a"


@case
def a_service_that_is_not_there(k):
    k.w.apply(k.w.ingress("ghost", "ghost.test", ("/", "Prefix", "nowhere")),
              k.w.ingress("sound", "sound.test", ("/", "Prefix", "app")))
    k.served("sound.test")
    k.status("ghost.test", 503)
    k.w.service("nowhere", k.b)
    k.served("ghost.test", pod="b")
    k.w.kubectl("delete", "service/nowhere", "endpointslice/nowhere-1")
    k.status("ghost.test", 503)


@case
def classes_decide_whose_an_ingress_is(k):
    other = k.w.ingress("foreign", "foreign.test", ("/", "Prefix", "app"),
                        cls="someone-else")
    bare = k.w.ingress("bare", "bare.test", ("/", "Prefix", "app"), cls=None)
    noted = k.w.ingress("noted", "noted.test", ("/", "Prefix", "app"),
                        cls=None)
    noted["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "nginx"
    k.w.apply(other, bare, noted)
    k.served("noted.test")
    assert k.one.get("foreign.test").status == 404
    assert k.one.get("bare.test").status == 404
    k.w.ingress_class("someone-else")       # with our controller: ours now
    k.served("foreign.test")
    k.w.kubectl("delete", "ingressclass", "someone-else")
    k.status("foreign.test", 404)


@case
def the_older_wins_and_the_loser_is_told(k):
    k.w.apply(k.w.ingress("elder", "fight.test", ("/", "Prefix", "app")))
    k.served("fight.test")
    time.sleep(1.1)             # ages are whole seconds
    k.w.apply(k.w.ingress("younger", "fight.test", ("/", "Prefix", "other")))
    until(lambda: [e for e in k.w.events() if e[0] == "younger"
                   and "elder" in e[2]])
    assert k.one.get("fight.test").pod == "a"
    k.w.kubectl("delete", "ingress", "elder")
    k.served("fight.test", pod="b")


@case
def one_bad_object_does_not_block_the_others(k):
    k.w.apply(k.w.ingress("bad", "bad.test", ("/", "Prefix", "app"),
                          annotations={"whitelist-source-range": "no-net"}),
              k.w.ingress("good", "good.test", ("/", "Prefix", "app")))
    k.served("good.test")
    k.status("bad.test", 503)   # what guards fails closed
    until(lambda: [e for e in k.w.events() if e[0] == "bad"])


# --- canary -------------------------------------------------------------------

@case
def canary_by_header_and_by_weight(k):
    k.w.apply(k.w.ingress("main", "canary.test", ("/", "Prefix", "app")))
    k.served("canary.test")
    k.w.apply(k.w.ingress("canary", "canary.test", ("/", "Prefix", "other"),
                          annotations={"canary": "true",
                                       "canary-by-header": "X-Canary",
                                       "canary-weight": "30"}))
    k.served("canary.test", pod="b", headers={"X-Canary": "always"})
    for _ in range(20):
        assert k.one.get("canary.test", headers={"X-Canary": "never"}
                         ).pod == "a"
    n = sum(k.one.get("canary.test").pod == "b" for _ in range(400))
    assert 70 < n < 175, n      # 30 % within five standard deviations
    k.w.kubectl("delete", "ingress", "canary")
    until(lambda: k.one.get("canary.test", headers={"X-Canary": "always"}
                            ).pod == "a")


# --- TLS ----------------------------------------------------------------------

@case
def a_certificate_is_rotated_under_load(k):
    first = k.w.certificate("tls.test")
    second = k.w.certificate("tls.test")
    k.w.tls_secret("tls", first)
    k.w.apply(k.w.ingress("tls", "tls.test", ("/", "Prefix", "app"),
                          tls="tls"))
    one = k.served("tls.test", tls=True).cert
    k.status("tls.test", 308)   # plain HTTP goes to https
    with Load(k.one, "sound.test") as load:
        k.w.tls_secret("tls", second)
        until(lambda: k.one.get("tls.test", tls=True).cert != one)
    assert load.done > 5 and not load.failed, load.failed[:3]


@case
def a_broken_secret_breaks_nothing(k):
    k.w.apply({"apiVersion": "v1", "kind": "Secret",
               "type": "kubernetes.io/tls", "metadata": {"name": "broken"},
               "stringData": {"tls.crt": "no certificate",
                              "tls.key": "no key"}},
              k.w.ingress("broken", "broken.test", ("/", "Prefix", "app"),
                          tls="broken"))
    k.served("broken.test", tls=True)       # with the default certificate
    until(lambda: [e for e in k.w.events() if e[0] == "broken"])
    k.served("tls.test", tls=True)


# --- change -------------------------------------------------------------------

@case
def endpoints_come_and_go_under_load(k):
    pods = [Pod(f"churn{i}") for i in range(4)]
    k.w.service("churn", *pods)
    k.w.apply(k.w.ingress("churn", "churn.test", ("/", "Prefix", "churn")))
    until(lambda: k.one.get("churn.test").pod in {p.name for p in pods})
    with Load(k.one, "churn.test", n=8, rate=200) as keep, \
            Load(k.one, "churn.test", n=4, rate=50, keep=False) as new:
        for turn in range(12):
            here = [p for i, p in enumerate(pods) if i != turn % 4]
            gone = [pods[turn % 4]]
            k.w.put_slice("churn", *here, *gone, terminating=gone)
            time.sleep(0.25)
            k.w.put_slice("churn", *here)
            time.sleep(0.25)
            k.w.put_slice("churn", *pods)
            time.sleep(0.1)
    assert keep.done > 400 and new.done > 100, (keep.done, new.done)
    assert not keep.failed and not new.failed, (keep.failed, new.failed)
    assert set(keep.pods) == {p.name for p in pods}, keep.pods


@case
def a_change_is_served_soon(k):
    took = []
    k.w.service("quick", k.a)
    k.w.apply(k.w.ingress("quick", "quick.test", ("/", "Prefix", "quick")))
    k.served("quick.test")
    for i in range(10):
        pod = (k.a, k.b)[(i + 1) % 2]
        began = time.monotonic()
        k.w.put_slice("quick", pod)
        until(lambda p=pod: k.one.get("quick.test").pod == p.name, every=0.005)
        took.append(time.monotonic() - began)
    took.sort()
    print(f"      change to served: median {1000 * took[5]:.0f} ms, worst "
          f"{1000 * took[-1]:.0f} ms")
    assert took[-1] < 3, took


@case
def the_api_server_goes_away_and_comes_back(k):
    k.served("sound.test")
    with Load(k.one, "sound.test", rate=50) as load:
        k.w.restart_api(down_s=1.5)
        k.w.apply(k.w.ingress("after", "after.test",
                              ("/", "Prefix", "other")))
        k.served("after.test", pod="b", seconds=60)
    assert load.done > 50 and not load.failed, load.failed[:3]
    assert k.one.ask("/readyz").status == 200


@case
def the_generator_dies_and_traffic_goes_on(k):
    with Load(k.one, "sound.test", rate=50) as load:
        k.one.controller.kill()
        k.one.controller.wait()
        time.sleep(0.5)
        k.w.apply(k.w.ingress("late", "late.test", ("/", "Prefix", "app")))
        k.one.run()
        k.one.ready()
        k.served("late.test")
    assert load.done > 20 and not load.failed, load.failed[:3]


# --- what is told -------------------------------------------------------------

@case
def status_is_published_once_it_is_true(k):
    two = k.w.instance(
        "two", "--publish-status-address=192.0.2.7,lb.example.com",
        "--election-id=status-leader").ready()
    k.w.apply(k.w.ingress("status", "status.test", ("/", "Prefix", "app")))

    def published():
        st = k.w.api("/apis/networking.k8s.io/v1/namespaces/default/ingresses/"
                     "status")["status"]["loadBalancer"].get("ingress")
        if not st:
            return None
        # Whoever sees the address may use it at once.
        assert two.get("status.test").pod == "a"
        return st
    st = until(published)
    assert st == [{"ip": "192.0.2.7"}, {"hostname": "lb.example.com"}] or \
        st == [{"hostname": "lb.example.com"}, {"ip": "192.0.2.7"}], st
    two.stop()


@case
def two_controllers_and_one_leader(k):
    args = ("--publish-status-address=192.0.2.9", "--election-id=pair",
            "--election-ttl=5s")
    pair = [k.w.instance(n, *args).ready() for n in ("left", "right")]

    def holder():
        return k.w.api("/apis/coordination.k8s.io/v1/namespaces/ecluse-system/"
                       "leases/pair")["spec"]["holderIdentity"]
    first = until(holder)
    leader = pair[0] if first.startswith("left") else pair[1]
    other = pair[1] if leader is pair[0] else pair[0]
    for i in pair:              # routing does not depend on who leads
        assert i.get("sound.test").pod == "a"
    leader.controller.kill()    # without a word
    until(lambda: holder().startswith(other.name))
    assert other.get("sound.test").pod == "a"
    other.stop()
    leader.stop()


@case
def addresses_of_nodes_come_and_go_with_the_last_replica(k):
    w = k.w
    w.node_object("node-a", InternalIP="10.0.0.1", ExternalIP="192.0.2.11")
    w.node_object("node-b", InternalIP="10.0.0.2")
    w.node_object("node-c", InternalIP="10.0.0.3", ExternalIP="192.0.2.13")
    w.pod_object("here", "node-a")
    w.pod_object("there", "node-b")
    w.pod_object("sick", "node-c", ready=False)
    w.apply(w.ingress("nodes", "nodes.test", ("/", "Prefix", "app")))
    here = w.instance("here", "--election-id=nodes",
                      "--status-update-interval=1s").ready()
    until(lambda: w.published("nodes") == ["10.0.0.2", "192.0.2.11"])
    w.pod_object("sick", "node-c")
    until(lambda: w.published("nodes") == ["10.0.0.2", "192.0.2.11",
                                           "192.0.2.13"])
    here.stop()                 # others go on: the addresses stay
    assert len(w.published("nodes")) == 3
    for pod in ("there", "sick"):
        w.kubectl("delete", "pod", pod, "-n", "ecluse-system", "--force")
    here = w.instance("here-again", "--election-id=nodes",
                      "--report-node-internal-ip-address")
    here.stop()
    w.pod_object("here-again", "node-a")
    w.kubectl("delete", "pod", "here", "-n", "ecluse-system", "--force")
    here.again().ready()
    until(lambda: w.published("nodes") == ["10.0.0.1"])
    here.stop()
    assert w.published("nodes") == [], w.published("nodes")


@case
def namespaces_are_chosen_by_their_labels(k):
    w = k.w
    for ns in ("red", "blue"):
        w.kubectl("create", "namespace", ns)
        w.service("app", k.a, namespace=ns)
        w.apply(w.ingress("i", f"{ns}.labels.test", ("/", "Prefix", "app"),
                          namespace=ns))
    w.kubectl("label", "namespace", "red", "edge=public")
    one = w.instance("chosen", "--watch-namespace-selector=edge in (public)",
                     "--election-id=chosen").ready()
    assert one.get("red.labels.test").pod == "a"
    assert one.get("blue.labels.test").status == 404
    assert one.get("sound.test").status == 404
    w.kubectl("label", "namespace", "blue", "edge=public")
    until(lambda: one.get("blue.labels.test").pod == "a")
    w.kubectl("label", "namespace", "red", "edge-")
    until(lambda: one.get("red.labels.test").status == 404)
    assert one.get("blue.labels.test").pod == "a"
    one.stop()


# Values of the chart, and what the generator is told because of them.
RIGHTS = {
    "all": ({}, ()),
    "one-namespace": ({"watch": {"namespace": "rights"}},
                      ("--watch-namespace=rights",)),
    "by-label": ({"watch": {"namespaceSelector":
                            "kubernetes.io/metadata.name=rights"}},
                 ("--watch-namespace-selector="
                  "kubernetes.io/metadata.name=rights",)),
    "by-name": ({"rbac": {"secretNames": {"rights": ["cert", "users"]}}},
                ("--secrets-by-name",)),
}


def refusals(log):
    """What was forbidden, but Secrets of other cases' Ingresses that
    rbac.secretNames does not have."""
    return [x for x in log.splitlines() if "answers 403" in x
            and "/namespaces/default/secrets" not in x]


@case
def the_rights_of_the_chart_are_enough_and_no_more(k):
    """What the chart lets the generator do is all that it needs."""
    w = k.w
    chart = os.path.join(world.TOP, "charts", "ecluse")
    w.kubectl("create", "namespace", "rights")
    w.service("app", k.a, namespace="rights")
    w.tls_secret("cert", w.certificate("rights.test"), namespace="rights")
    w.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "users", "namespace": "rights"}, "stringData": {
            "auth": "u:$apr1$abcdefgh$8Vsa0XTMt/8.JEBgnmCC2/\n"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {
            "name": "private", "namespace": "rights"},
         "stringData": {"key": "x"}},
        w.ingress("open", "rights.test", ("/", "Prefix", "app"), tls="cert",
                  namespace="rights"),
        w.ingress("closed", "closed.rights.test", ("/", "Prefix", "app"),
                  namespace="rights", annotations={
                      "auth-type": "basic", "auth-secret": "users"}),
        w.ingress("bad", "bad.rights.test", ("/", "Prefix", "app"),
                  namespace="rights",
                  annotations={"whitelist-source-range": "no-net"}))
    for name, (values, args) in RIGHTS.items():
        full = f"ecluse-{name}"
        made = helm("template", full, chart, "-n", "ecluse-system",
                    "--kube-version", "1.34", "--is-upgrade", "--show-only",
                    "templates/rbac.yaml", "--show-only",
                    "templates/validate.yaml", "--show-only",
                    "templates/serviceaccount.yaml", "--show-only",
                    "templates/configmap.yaml", "--show-only",
                    "templates/service.yaml", values=values)
        assert made.returncode == 0, made.stderr
        w.kubectl("apply", "-f", "-", text=made.stdout)
        w.patch(f"/api/v1/namespaces/ecluse-system/services/{full}/status",
                {"status": {"loadBalancer": {"ingress": [
                    {"ip": "192.0.2.77", "ipMode": "Proxy"}]}}})
        one = w.instance(
            full, f"--election-id={full}-leader", f"--configmap=ecluse-system"
            f"/{full}", f"--publish-service=ecluse-system/{full}",
            *args, kubeconfig=w.account(full)).ready()
        until(lambda i=one: i.get("rights.test", tls=True).pod == "a")
        until(lambda i=one: i.get("closed.rights.test").status == 401)
        until(lambda: w.published("open", "rights") == ["192.0.2.77"])
        until(lambda: [e for e in w.events("rights") if e[0] == "bad"])
        w.kubectl("delete", "events", "--all", "-n", "rights")
        # The same before an upgrade, by a Job that has no right to write.
        checked = subprocess.run(
            [one.tool, "validate", f"--dir={w.file(full + '-validate')}",
             f"--configmap=ecluse-system/{full}-validate", *args,
             f"--kubeconfig={w.account(full + '-validate')}"], check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict(os.environ, POD_NAMESPACE="ecluse-system"))
        assert checked.returncode == 0 and "is good" in checked.stdout, \
            checked.stdout
        assert not refusals(checked.stdout), checked.stdout
        assert not refusals(w.log(f"{full}-controller")), \
            w.log(f"{full}-controller")
        one.stop()

        def may(*words, full=full):
            return w.kubectl(
                "auth", "can-i", *words, "--as", "system:serviceaccount:"
                f"ecluse-system:{full}", ok=False).strip() == "yes"
        assert may("list", "secrets", "-n", "rights") == (name != "by-name")
        assert may("list", "secrets/private", "-n", "rights") == \
            (name != "by-name")
        assert may("list", "secrets", "-A") == (name in ("all", "by-label"))
        assert not may("create", "ingresses", "-n", "rights")
        assert not may("get", "pods", "-n", "rights")
        assert not may("update", "secrets", "-n", "rights")
        assert not may("create", "pods", "-n", "ecluse-system")
        w.patch("/apis/networking.k8s.io/v1/namespaces/rights/ingresses/open"
                "/status", {"status": {"loadBalancer": {"ingress": None}}})


@case
def health_says_what_is(k):
    three = k.w.instance("three", "--shutdown-grace-period=1").ready()
    assert three.ask("/healthz").status == 200
    assert three.ask("/healthz", three.status).status == 200
    text = three.ask("/metrics").body.decode()
    assert "ecluse_ingress_" in text, text[:200]
    three.controller.terminate()
    until(lambda: three.ask("/healthz").status == 500, every=0.01)
    three.controller.wait(10)
    assert three.get("sound.test").pod == "a"
    three.stop()


# --- the chart ----------------------------------------------------------------

# Each a set of values that users have; and values that must be refused.
MATRIX = (
    {}, {"kind": "DaemonSet", "hostPort": {"enabled": True}},
    {"kind": "DaemonSet", "hostNetwork": True},
    {"autoscaling": {"enabled": True}, "service": {"proxyProtocol": True}},
    {"watch": {"namespace": "default"}, "replicaCount": 1},
    {"watch": {"namespaceSelector": "team=web,tier in (a,b),!old"}},
    {"rbac": {"secretNames": {"default": ["cert", "users"]}},
     "controller": {"updateStatusOnShutdown": False}},
    {"service": {"enabled": False}},
    {"ingressClass": {"default": True, "name": "other", "controller":
                      "example.com/ingress"}, "fullnameOverride": "edge"},
    {"metrics": {"service": {"enabled": True}}, "service": {
        "type": "NodePort", "nodePorts": {"http": 30080}}},
    {"controller": {"config": {"ssl-redirect": False, "proxy-body-size":
                               "8m"}, "publishStatusAddress": ["192.0.2.1"]},
     "podDisruptionBudget": {"maxUnavailable": "25%"}},
    {"image": {"digest": "sha256:" + "a" * 64, "pullPolicy": "Always"},
     "imagePullSecrets": [{"name": "registry"}], "commonLabels": {"team": "a"},
     "podLabels": {"x": "y"}, "podAnnotations": {"x/y": "z"},
     "priorityClassName": "system-cluster-critical", "minReadySeconds": 5,
     "revisionHistoryLimit": 2, "nodeSelector": {"edge": "yes"},
     "tolerations": [{"key": "edge", "operator": "Exists",
                      "effect": "NoSchedule"}],
     "affinity": {"nodeAffinity": {
         "requiredDuringSchedulingIgnoredDuringExecution": {
             "nodeSelectorTerms": [{"matchExpressions": [{
                 "key": "edge", "operator": "Exists"}]}]}}},
     "topologySpreadConstraints": [{
         "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable":
         "ScheduleAnyway", "labelSelector": {"matchLabels": {"a": "b"}}}],
     "updateStrategy": {"type": "Recreate"}, "dnsPolicy": "None",
     "dnsConfig": {"nameservers": ["192.0.2.53"]}},
    {"autoscaling": {"enabled": True, "minReplicas": 3, "maxReplicas": 9,
                     "targetMemoryUtilizationPercentage": 80,
                     "behavior": {"scaleDown": {
                         "stabilizationWindowSeconds": 600}}}},
    {"service": {"annotations": {"lb.example/kind": "nlb"}, "labels": {
        "a": "b"}, "externalIPs": ["192.0.2.1"], "externalTrafficPolicy":
        "Local", "internalTrafficPolicy": "Cluster", "loadBalancerClass":
        "example.com/lb", "loadBalancerSourceRanges": ["192.0.2.0/24"],
        "sessionAffinity": "ClientIP", "ipFamilyPolicy": "SingleStack",
        "ipFamilies": ["IPv4"], "enableHttp": False,
        "nodePorts": {"https": 30443}}},
    {"service": {"type": "ClusterIP", "clusterIP": "None"}, "hostPort": {
        "enabled": True}, "controller": {
            "env": [{"name": "A", "value": "b"}], "extraArgs": ["--timeout=3"],
            "resources": {}}, "proxy": {"workers": 3, "extraArgs": ["-d"]}},
    {"rbac": {"create": False}, "serviceAccount": {
        "create": False, "name": "theirs"}, "podDisruptionBudget": {
            "enabled": False}, "metrics": {"enabled": False},
     "tests": {"enabled": False}, "ingressClass": {"create": False}},
    {"metrics": {"serviceMonitor": {
        "enabled": True, "labels": {"release": "p"}, "scrapeTimeout": "5s",
        "honorLabels": True, "relabelings": [{"targetLabel": "a",
                                              "replacement": "b"}],
        "metricRelabelings": [{"action": "drop", "regex": "x",
                               "sourceLabels": ["__name__"]}]}}},
)

# What the chart uses of the operator's ServiceMonitor, and no more: another
# field is refused.
RELABEL = {"type": "array", "items": {"type": "object", "properties": {
    **{k: {"type": "string"} for k in ("action", "regex", "replacement",
                                       "targetLabel")},
    "sourceLabels": {"type": "array", "items": {"type": "string"}}}}}
MONITOR = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind":
    "CustomResourceDefinition", "metadata": {
        "name": "servicemonitors.monitoring.coreos.com", "annotations": {
            "api-approved.kubernetes.io": "unapproved, for a test"}},
    "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
             "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"},
             "versions": [{"name": "v1", "served": True, "storage": True,
                           "schema": {"openAPIV3Schema": {
                               "type": "object", "properties": {"spec": {
                                   "type": "object", "properties": {
    "namespaceSelector": {"type": "object", "properties": {
        "matchNames": {"type": "array", "items": {"type": "string"}}}},
    "selector": {"type": "object", "properties": {"matchLabels": {
        "type": "object", "additionalProperties": {"type": "string"}}}},
    "endpoints": {"type": "array", "items": {"type": "object", "properties": {
        **{k: {"type": "string"} for k in ("port", "path", "interval",
                                           "scrapeTimeout")},
        "honorLabels": {"type": "boolean"}, "relabelings": RELABEL,
        "metricRelabelings": RELABEL}}}}}}}}}]}}
WRONG = (
    ({"replicas": 3}, "replicas"),
    ({"watch": {"namespaceSelector": "a=\"b"}}, "namespaceSelector"),
    ({"watch": {"namespaceSelector": "a=b", "namespace": "c"}},
     "namespaceSelector"),
    ({"rbac": {"secretNames": {"web": "cert"}}}, "web"),
    ({"terminationGracePeriodSeconds": 10}, "terminationGracePeriodSeconds"),
    ({"hostNetwork": True, "hostPort": {"enabled": True}},
     "hostPort.enabled"),
    ({"kind": "DaemonSet", "autoscaling": {"enabled": True}}, "autoscaling"),
    ({"autoscaling": {"enabled": True, "minReplicas": 11}},
     "autoscaling.minReplicas"),
    ({"dnsPolicy": "None"}, "dnsConfig"),
    ({"service": {"ports": {"http": 0}}}, "http"),
    ({"metrics": {"serviceMonitor": {"interval": 5}}}, "interval"),
    ({"controller": {"config": {"x": ["a"]}}}, "x"),
    ({"tolerations": "all"}, "tolerations"),
    ({"controller": {"healthPort": 1}}, "healthPort"),
    ({"proxy": {"httpPort": 80}}, "httpPort"),
    ({"kind": "StatefulSet"}, "kind"),
    ({"image": {"digest": "abc"}}, "digest"),
    ({"service": {"type": "Loadbalancer"}}, "type"),
    ({"controller": {"defaultBackendService": "noslash"}},
     "defaultBackendService"),
)


def helm(*args, values=None):
    program = os.environ["HELM"]
    return subprocess.run([program, *args, *(["-f", "-"] if values is not None
                                             else [])],
                          input=json.dumps(values), text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@case
def the_api_server_accepts_the_chart(k):
    chart = os.path.join(world.TOP, "charts", "ecluse")
    k.w.apply(MONITOR)
    until(lambda: "servicemonitors" in k.w.kubectl(
        "api-resources", "--api-group=monitoring.coreos.com"))
    for values in MATRIX:
        lint = helm("lint", "--strict", chart, values=values)
        assert lint.returncode == 0, (values, lint.stdout + lint.stderr)
        made = helm("template", "t", chart, "--kube-version", "1.34",
                    "--is-upgrade", values=values)
        assert made.returncode == 0, (values, made.stderr)
        k.w.kubectl("apply", "--dry-run=server", "--validate=strict", "-f",
                    "-", text=made.stdout)


def rendered(k, **values):
    """{(kind, name): object} as the API server would have them."""
    chart = os.path.join(world.TOP, "charts", "ecluse")
    made = helm("template", "t", chart, "--kube-version", "1.34",
                "--is-upgrade", values=values)
    assert made.returncode == 0, made.stderr
    out = json.loads(k.w.kubectl("apply", "--dry-run=server", "-o", "json",
                                 "-f", "-", text=made.stdout))
    return {(o["kind"], o["metadata"]["name"]): o for o in out["items"]}


@case
def the_chart_has_what_keeps_traffic(k):
    objects = rendered(k)
    spec = objects["Deployment", "t-ecluse"]["spec"]
    assert spec["strategy"]["rollingUpdate"] == {
        "maxSurge": 1, "maxUnavailable": 0}
    pod = spec["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert pod["affinity"]["podAntiAffinity"]
    names = [c["name"] for c in pod["containers"]]
    assert names == ["proxy", "controller"], names
    for c in pod["containers"] + pod["initContainers"]:
        s = c["securityContext"]
        assert s["readOnlyRootFilesystem"] and s["capabilities"] == {
            "drop": ["ALL"]} and not s["allowPrivilegeEscalation"], c
        mounts = [m["name"] for m in c["volumeMounts"]]
        assert ("token" in mounts) == (c["name"] == "controller"), c
    proxy, controller = pod["containers"]
    for c in (proxy, controller):
        wait = c["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert 0 < wait < pod["terminationGracePeriodSeconds"]
        assert c["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert controller["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert proxy["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert "PodDisruptionBudget" in [kind for kind, _ in objects]
    job = objects["Job", "t-ecluse-validate"]
    hooks = job["metadata"]["annotations"]["helm.sh/hook"].split(",")
    assert "pre-upgrade" in hooks
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == \
        proxy["image"] == controller["image"]
    assert objects["Pod", "t-ecluse-test"]["metadata"]["annotations"][
        "helm.sh/hook"] == "test"
    # No selector of ours finds the pods of hooks.
    want = objects["Service", "t-ecluse"]["spec"]["selector"]
    for labels in (job["spec"]["template"]["metadata"]["labels"],
                   objects["Pod", "t-ecluse-test"]["metadata"]["labels"]):
        assert any(labels.get(key) != v for key, v in want.items()), labels
    assert want.items() <= spec["template"]["metadata"]["labels"].items()

    objects = rendered(k, kind="DaemonSet", hostPort={"enabled": True},
                       service={"proxyProtocol": True, "annotations": {
                           "a/b": "c"}},
                       controller={"config": {"keep-alive-requests":
                                              1000000}})
    spec = objects["DaemonSet", "t-ecluse"]["spec"]
    assert spec["updateStrategy"]["rollingUpdate"] == {
        "maxSurge": 0, "maxUnavailable": 1}     # a port of a node is one
    for c in spec["template"]["spec"]["containers"][1:]:
        assert "--proxy-protocol" in c["args"], c["args"]
    assert objects["ConfigMap", "t-ecluse"]["data"] == {
        "keep-alive-requests": "1000000", "use-proxy-protocol": "true"}
    assert objects["Service", "t-ecluse"]["metadata"]["annotations"][
        "a/b"] == "c"


@case
def an_upgrade_waits_for_the_new_image_to_check(k):
    """The Job is there with its rights before anything changes; when it fails,
    nothing does. No kubelet runs it here: its end is written."""
    w, ns = k.w, "ecluse-system"
    chart = os.path.join(world.TOP, "charts", "ecluse")
    env = dict(os.environ, KUBECONFIG=w.kubeconfig)
    common = ["edge", chart, "-n", ns, "--set", "ingressClass.create=false"]

    def image():
        d = w.api(f"/apis/apps/v1/namespaces/{ns}/deployments/edge-ecluse")
        return d["spec"]["template"]["spec"]["containers"][0]["image"]

    def upgrade(tag, *conditions):
        h = subprocess.Popen(
            [os.environ["HELM"], "upgrade", *common, "--set", f"image.tag={tag}"],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)
        job = f"/apis/batch/v1/namespaces/{ns}/jobs/edge-ecluse-validate"
        try:
            made = until(lambda: (j := w.api(job))["spec"]["template"]["spec"][
                "containers"][0]["image"].endswith(f":{tag}") and j, 60)
            assert image().endswith(":one")
            account = made["spec"]["template"]["spec"]["serviceAccountName"]
            assert w.kubectl("auth", "can-i", "list", "secrets", "--as",
                             f"system:serviceaccount:{ns}:{account}"
                             ).strip() == "yes"
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            w.patch(job + "/status", {"status": {
                "startTime": now, "conditions": [
                    {"type": c, "status": "True", "lastTransitionTime": now}
                    for c in conditions],
                **({"completionTime": now, "succeeded": 1}
                   if "Complete" in conditions else {"failed": 1})}})
            out = h.communicate(timeout=60)[0]
        finally:
            if h.poll() is None:
                h.kill()
                h.wait()
        return h.returncode, out

    made = helm("install", *common, "--set", "image.tag=one", "--kubeconfig",
                w.kubeconfig)
    assert made.returncode == 0, made.stderr
    code, out = upgrade("bad", "FailureTarget", "Failed")
    assert code != 0 and "pre-upgrade" in out, out
    assert image().endswith(":one"), image()
    code, out = upgrade("two", "SuccessCriteriaMet", "Complete")
    assert code == 0, out
    assert image().endswith(":two"), image()
    left = [x for x in w.kubectl(
        "get", "serviceaccounts,configmaps,roles,rolebindings,jobs", "-n", ns,
        "-o", "name").split() if x.endswith("edge-ecluse-validate")]
    assert not left, left
    made = helm("uninstall", "edge", "-n", ns, "--kubeconfig", w.kubeconfig)
    assert made.returncode == 0, made.stderr


@case
def wrong_values_are_refused_by_their_name(k):
    chart = os.path.join(world.TOP, "charts", "ecluse")
    for values, name in WRONG:
        made = helm("template", "t", chart, "--kube-version", "1.34",
                    values=values)
        assert made.returncode != 0 and name in made.stderr, (values, made)


def main():
    wanted = sys.argv[1:]
    world.enter()
    k = Kit()
    passed, failed = 0, 0
    try:
        for fn in CASES:
            if wanted and fn.__name__ not in wanted:
                continue
            began = time.monotonic()
            try:
                fn(k)
                passed += 1
                print(f"ok   {fn.__name__} ({time.monotonic() - began:.1f} s)")
            except Exception:
                failed += 1
                print(f"FAIL {fn.__name__}")
                traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
        if failed:
            for p in k.w.procs:
                if hasattr(p, "name"):
                    tail = k.w.log(p.name).splitlines()
                    tail = [x for x in tail if " 200 " not in x][-25:]
                    print(f"--- {p.name}\n" + "\n".join(tail))
    finally:
        k.w.stop()
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
