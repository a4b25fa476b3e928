#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# node-up.sh DIR - a one-node Kubernetes inside its own network+mount+pid namespace.
# Nothing of it is reachable from, or leaks into, the machine's own network; killing the
# namespace's init (node-down.sh) takes every process and mount with it.
#   IMAGES="a.tar b.tar"  image archives to import      PROXY_MODE=nftables|iptables
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
D=${1:?usage: node-up.sh DIR}; mkdir -p "$D"; D=$(cd "$D" && pwd)
t0=$(date +%s%3N); lap(){ local t=$(( $(date +%s%3N) - t0 )); printf '%-28s %3d.%03ds\n' "$1" $((t/1000)) $((t%1000)); }
for p in etcd containerd runc nft iptables conntrack; do command -v $p >/dev/null || PATH=$PATH:/usr/sbin command -v $p >/dev/null || { echo "need $p" >&2; exit 1; }; done
sysctl -e vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops > "$D/sysctl.saved"   # kubelet sets these
cat > "$D/init.sh" <<'I'
#!/bin/bash
# pid 1 of the namespace
set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run; mkdir -p /run/netns /run/lock
mkdir -p "$D/kubelet" "$D/containerd" "$D/cni-state" "$D/cni" "$D/logs" /var/lib/kubelet /var/lib/containerd /var/lib/cni /etc/cni/net.d /run/kubelet
mount --bind "$D/kubelet" /var/lib/kubelet; mount --bind "$D/containerd" /var/lib/containerd
mount --bind "$D/cni-state" /var/lib/cni; mount --bind "$D/cni" /etc/cni/net.d
mkdir -p /var/log/pods /var/log/containers "$D/logs/pods" "$D/logs/containers"
mount --bind "$D/logs/pods" /var/log/pods; mount --bind "$D/logs/containers" /var/log/containers
printf 'nameserver 10.203.0.1\n' > "$D/resolv.conf"; mount --bind "$D/resolv.conf" /etc/resolv.conf
ip link set lo up
ip link add node0 type dummy 2>/dev/null || ip link add node0 type bridge
ip addr add 10.203.0.1/24 dev node0; ip link set node0 up; ip route add default dev node0
sysctl -qw net.ipv4.ip_forward=1
touch "$D/init.ready"
trap 'exit 0' TERM
while :; do sleep 3600 & wait $! || true; done
I
chmod +x "$D/init.sh"; rm -f "$D/init.ready"
D=$D setsid unshare --net --mount --pid --fork --mount-proc --kill-child --propagation private bash "$D/init.sh" >"$D/init.log" 2>&1 </dev/null &
U=$!
for i in $(seq 100); do [ -e "$D/init.ready" ] && break; kill -0 $U || { cat "$D/init.log"; exit 1; }; sleep 0.05; done
PID=$(pgrep -P $U | head -1); echo "$PID" > "$D/init.pid"
cat > "$D/exec" <<X
#!/bin/bash
# run a command inside the node's namespaces
export KUBECONFIG=$D/kubeconfig PATH=$D/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:\$PATH
exec nsenter -t $PID --net --mount --pid --wd="\$PWD" -- "\$@"
X
chmod +x "$D/exec"; lap namespace

# control plane, inside
"$D/exec" env NODE_NAME=node1 ADVERTISE=10.203.0.1 WITH_KCM=1 WITH_SCHED=1 API_PORT=6443 ETCD_PORT=2379 ETCD_PEER_PORT=2380 \
   KUBE_CACHE="${KUBE_CACHE:-$HOME/.cache/ecluse-kube}" "$HERE/up.sh" "$D"
. "$D/env"; mkdir -p "$D/bin"; ln -sf "$KUBE" "$D/bin/kubectl"; ln -sf "$("$HERE/build.sh" helm)" "$D/bin/helm"; lap "control plane"

cat > "$D/containerd.toml" <<C
version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs","io.containerd.snapshotter.v1.zfs","io.containerd.snapshotter.v1.devmapper","io.containerd.snapshotter.v1.aufs","io.containerd.internal.v1.tracing","io.containerd.tracing.processor.v1.otlp"]
[plugins."io.containerd.internal.v1.opt"]
  path = "$D/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "ecluse.local/pause:1"
  restrict_oom_score_adj = true   # for machines whose root lacks CAP_SYS_RESOURCE
  max_container_log_line_size = 65536
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
C
cat > "$D/cni/10-bridge.conflist" <<C
{"cniVersion":"0.4.0","name":"pods","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"hairpinMode":true,
  "ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
C
run(){ local n=$1; shift; "$D/exec" setsid "$@" >"$D/$n.log" 2>&1 </dev/null & }
run containerd containerd -c "$D/containerd.toml" -l info
for i in $(seq 200); do "$D/exec" ctr version >/dev/null 2>&1 && break; sleep 0.05; done; lap containerd
PAUSE=${KUBE_CACHE:-$HOME/.cache/ecluse-kube}/pause.tar
if [ ! -s "$PAUSE" ]; then
  mkdir -p "$D/pause" && gcc -Os -static -s -o "$D/pause/pause" "$HERE/pause.c"
  python3 "$HERE/mkimage.py" ecluse.local/pause:1 "$D/pause" "$PAUSE" --entrypoint /pause >/dev/null
fi
for i in "$PAUSE" ${IMAGES:-}; do "$D/exec" ctr -n k8s.io images import "$i" >/dev/null; done; lap "images imported"

cat > "$D/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $D/pki/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /ecluse-kube
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: [pods]
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: [10.203.0.1]
clusterDomain: cluster.local
resolvConf: $D/resolv.conf
evictionHard: {memory.available: 200Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 5s
syncFrequency: 10s
maxPods: 60
serializeImagePulls: false
shutdownGracePeriod: 0s
C
for c in cpu cpuacct cpuset memory devices freezer blkio pids systemd; do
  [ -d /sys/fs/cgroup/$c ] && mkdir -p /sys/fs/cgroup/$c/ecluse-kube
done
cat /sys/fs/cgroup/cpuset/cpuset.cpus > /sys/fs/cgroup/cpuset/ecluse-kube/cpuset.cpus 2>/dev/null || true
cat /sys/fs/cgroup/cpuset/cpuset.mems > /sys/fs/cgroup/cpuset/ecluse-kube/cpuset.mems 2>/dev/null || true
run kubelet "$KUBE" kubelet --config="$D/kubelet.yaml" --kubeconfig="$D/kubelet.kubeconfig" --hostname-override=node1 --node-ip=10.203.0.1 --v=2
cat > "$D/proxy.yaml" <<C
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $D/proxy.kubeconfig}
mode: ${PROXY_MODE:-nftables}
clusterCIDR: 10.244.0.0/24
hostnameOverride: node1
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
C
run proxy "$KUBE" kube-proxy --config="$D/proxy.yaml" --v=2
# cluster DNS: CoreDNS as a host process on the node address
COREDNS=$("$HERE/build.sh" coredns)
cat > "$D/Corefile" <<C
.:53 {
    bind 10.203.0.1
    errors
    health 127.0.0.1:8081
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig $D/kubeconfig
        pods insecure
        ttl 5
    }
    loadbalance
}
C
run coredns "$COREDNS" -conf "$D/Corefile"
for i in $(seq 600); do
  "$D/exec" kubectl get node node1 -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null | grep -q True && break
  sleep 0.1; [ $i -lt 600 ] || { echo "node not Ready" >&2; tail -5 "$D/kubelet.log" >&2; exit 1; }
done
lap "node Ready"
echo "use: $D/exec kubectl get nodes"
