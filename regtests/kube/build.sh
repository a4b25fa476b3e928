#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# build.sh [coredns|helm] - build what tests need of Kubernetes from Go modules,
# once for each version; prints where it is.  Five minutes on two cores.
#
#   KUBE_CACHE   where it is kept (default ~/.cache/ecluse-kube)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
helm=v3.22.0
cache=${KUBE_CACHE:-$HOME/.cache/ecluse-kube}
mkdir -p "$cache"

# Two tests at once build it once.
exec 9>"$cache/lock"
flock 9

build() { # NAME FOLDER FLAGS
	key=$(cat "$here/$2"/main.go "$here/$2"/go.mod | sha256sum | cut -c1-12)
	out=$cache/$1-$key
	if [ ! -x "$out" ]; then
		command -v go >/dev/null || {
			echo "build.sh: no 'go' to build Kubernetes with" >&2
			exit 77
		}
		(cd "$here/$2" && nice go build -trimpath -buildvcs=false \
		    -ldflags "-s -w $3" -o "$out.tmp" .) >&2
		mv "$out.tmp" "$out"
	fi
	echo "$out"
}

case ${1:-kube} in
helm)
	out=$cache/helm-$helm
	if [ ! -x "$out" ]; then
		command -v go >/dev/null || exit 77
		GOBIN=$cache/bin nice go install \
		    "helm.sh/helm/v3/cmd/helm@$helm" >&2
		mv "$cache/bin/helm" "$out"
	fi
	echo "$out"
	;;
coredns) CGO_ENABLED=0 build coredns coredns "" ;;
*)
	v=k8s.io/component-base/version
	build kube k8s "-X $v.gitVersion=v1.34.2 -X $v.gitMajor=1 -X $v.gitMinor=34"
	;;
esac
