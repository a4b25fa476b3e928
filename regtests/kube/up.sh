#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# up.sh DIR - etcd + kube-apiserver (+ optional controllers) on loopback, state in DIR.
#   WITH_KCM=1   also kube-controller-manager       WITH_SCHED=1  also kube-scheduler
#   API_PORT, ETCD_PORT, ETCD_PEER_PORT   fixed ports (default: free ones)
#   ADVERTISE=IP advertise a non-loopback address (used by node-up.sh inside its own netns)
# Writes DIR/kubeconfig (admin), DIR/env, DIR/*.log, DIR/*.pid; waits for /readyz.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
D=${1:?usage: up.sh DIR}; mkdir -p "$D"; D=$(cd "$D" && pwd)
t0=$(date +%s%3N); lap(){ local t=$(( $(date +%s%3N) - t0 )); printf "%-28s %3d.%03ds\n" "$1" $((t/1000)) $((t%1000)); }

# 1. the binary
KUBE=$("$HERE/build.sh")
command -v etcd >/dev/null || { echo "need etcd: apt-get install etcd-server" >&2; exit 1; }

# 2. ports
freeport(){ python3 -c 'import socket;s=socket.socket();s.bind(("127.0.0.1",0));print(s.getsockname()[1])'; }
API_PORT=${API_PORT:-$(freeport)}; ETCD_PORT=${ETCD_PORT:-$(freeport)}; ETCD_PEER_PORT=${ETCD_PEER_PORT:-$(freeport)}
SVC_CIDR=${SVC_CIDR:-10.96.0.0/16}; SVC_IP=${SVC_IP:-10.96.0.1}

# 3. certs and tokens
P=$D/pki; mkdir -p "$P"; chmod 700 "$P"
if [ ! -s "$P/ca.crt" ]; then
  q(){ openssl "$@" 2>>"$D/openssl.log"; }
  q ecparam -name prime256v1 -genkey -noout -out "$P/ca.key"
  q req -x509 -new -key "$P/ca.key" -days 30 -subj /CN=ecluse-test-ca -out "$P/ca.crt" \
     -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
  crt(){ # name subject ext
    q ecparam -name prime256v1 -genkey -noout -out "$P/$1.key"
    q req -new -key "$P/$1.key" -subj "$2" -out "$P/$1.csr"
    q x509 -req -in "$P/$1.csr" -CA "$P/ca.crt" -CAkey "$P/ca.key" -CAcreateserial -days 30 \
      -extfile <(printf '%s\n' "$3") -out "$P/$1.crt"; }
  crt apiserver /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,IP:$SVC_IP,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local${ADVERTISE:+,IP:$ADVERTISE}
extendedKeyUsage=serverAuth"
  crt kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client "extendedKeyUsage=clientAuth"
  q ecparam -name prime256v1 -genkey -noout -out "$P/sa.key"
  q ec -in "$P/sa.key" -pubout -out "$P/sa.pub"
  tok(){ head -c 24 /dev/urandom | base64 | tr -dc a-zA-Z0-9; }
  : > "$P/tokens.csv"; chmod 600 "$P/tokens.csv"
  add(){ local t; t=$(tok); echo "$t,$1,$1,\"$2\"" >> "$P/tokens.csv"
    cat > "$D/$3" <<K
apiVersion: v1
kind: Config
clusters: [{name: ecluse, cluster: {server: "https://127.0.0.1:$API_PORT", certificate-authority-data: $(base64 -w0 < "$P/ca.crt")}}]
users: [{name: u, user: {token: $t}}]
contexts: [{name: ecluse, context: {cluster: ecluse, user: u}}]
current-context: ecluse
K
    chmod 600 "$D/$3"; }
  add admin system:masters kubeconfig
  add system:kube-controller-manager "" kcm.kubeconfig
  add system:kube-scheduler "" scheduler.kubeconfig
  add system:kube-proxy "" proxy.kubeconfig
  add "system:node:${NODE_NAME:-node1}" system:nodes kubelet.kubeconfig
fi

# 4. etcd (durability off: this is a throw-away cluster)
start(){ local n=$1; shift; setsid "$@" >"$D/$n.log" 2>&1 </dev/null & echo $! > "$D/$n.pid"; }
start etcd etcd --name e --data-dir "$D/etcd" --unsafe-no-fsync \
  --listen-client-urls http://127.0.0.1:$ETCD_PORT --advertise-client-urls http://127.0.0.1:$ETCD_PORT \
  --listen-peer-urls http://127.0.0.1:$ETCD_PEER_PORT --initial-advertise-peer-urls http://127.0.0.1:$ETCD_PEER_PORT \
  --initial-cluster e=http://127.0.0.1:$ETCD_PEER_PORT --log-level warn

# 5. kube-apiserver
if [ -n "${ADVERTISE:-}" ]; then A=(--bind-address=0.0.0.0 --advertise-address="$ADVERTISE")
else A=(--bind-address=127.0.0.1 --advertise-address=127.0.0.1 --endpoint-reconciler-type=none); fi
start apiserver "$KUBE" kube-apiserver "${A[@]}" --secure-port=$API_PORT \
  --etcd-servers=http://127.0.0.1:$ETCD_PORT --authorization-mode=Node,RBAC \
  --enable-admission-plugins=NodeRestriction --allow-privileged=true --anonymous-auth=false \
  --token-auth-file="$P/tokens.csv" --client-ca-file="$P/ca.crt" \
  --tls-cert-file="$P/apiserver.crt" --tls-private-key-file="$P/apiserver.key" \
  --kubelet-preferred-address-types=InternalIP --kubelet-client-certificate="$P/kubelet-client.crt" --kubelet-client-key="$P/kubelet-client.key" \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$P/sa.pub" \
  --service-account-signing-key-file="$P/sa.key" --service-cluster-ip-range="$SVC_CIDR" --v=1
export KUBECONFIG=$D/kubeconfig
ADMIN=$(awk -F, '$2=="admin"{print $1}' "$P/tokens.csv")
for i in $(seq 600); do
  [ "$(curl -s --cacert "$P/ca.crt" -H "Authorization: Bearer $ADMIN" -o /dev/null -w '%{http_code}' https://127.0.0.1:$API_PORT/readyz)" = 200 ] && break
  kill -0 "$(cat "$D/apiserver.pid")" 2>/dev/null || { tail -5 "$D/apiserver.log" >&2; exit 1; }
  sleep 0.1; [ $i -lt 600 ] || { echo "apiserver not ready" >&2; exit 1; }
done
lap "apiserver ready"

# 6. controllers
if [ -n "${WITH_KCM:-}" ]; then
  start kcm "$KUBE" kube-controller-manager --kubeconfig="$D/kcm.kubeconfig" --leader-elect=false \
    --bind-address=127.0.0.1 --secure-port=$(freeport) --use-service-account-credentials=true \
    --authentication-kubeconfig="$D/kcm.kubeconfig" --authorization-kubeconfig="$D/kcm.kubeconfig" \
    --service-account-private-key-file="$P/sa.key" --root-ca-file="$P/ca.crt" \
    --cluster-signing-cert-file="$P/ca.crt" --cluster-signing-key-file="$P/ca.key" \
    --service-cluster-ip-range="$SVC_CIDR" ${KCM_ARGS:-}
  for i in $(seq 300); do [ "$(curl -s --cacert "$P/ca.crt" -H "Authorization: Bearer $ADMIN" -o /dev/null -w '%{http_code}' https://127.0.0.1:$API_PORT/api/v1/namespaces/default/serviceaccounts/default)" = 200 ] && break; sleep 0.1; done
  lap "controller-manager ready"
fi
if [ -n "${WITH_SCHED:-}" ]; then
  start scheduler "$KUBE" kube-scheduler --kubeconfig="$D/scheduler.kubeconfig" --leader-elect=false \
    --authentication-kubeconfig="$D/scheduler.kubeconfig" --authorization-kubeconfig="$D/scheduler.kubeconfig" \
    --bind-address=127.0.0.1 --secure-port=$(freeport)
fi
cat > "$D/env" <<E
export KUBECONFIG=$D/kubeconfig
export KUBE=$KUBE
export API_PORT=$API_PORT
E
lap "up"
