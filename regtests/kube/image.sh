#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# image.sh DIR [REVISION] - two images for check_cluster.py: DIR/one.tar of a revision (the
# one before HEAD), DIR/two.tar of HEAD, from the Dockerfile, without any registry.
# What it builds upon is made by mmdebstrap: a stand-in for debian:bookworm-slim.
set -euo pipefail
D=${1:?usage: image.sh DIR [REVISION]}; REV=${2:-HEAD~1}
BASE=docker.io/library/debian:bookworm-slim
TOP=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$D"; D=$(cd "$D" && pwd)
for p in buildah mmdebstrap; do command -v $p >/dev/null || { echo "need $p" >&2; exit 1; }; done
if ! buildah inspect "$BASE" >/dev/null 2>&1; then
	mmdebstrap --quiet --variant=minbase bookworm "$D/base.tar"
	c=$(buildah from scratch)
	buildah add -q "$c" "$D/base.tar" / && buildah commit -q "$c" "$BASE" && buildah rm "$c" >/dev/null
	rm "$D/base.tar"
fi
build()
{
	rm -rf "$D/src" "$D/$1.tar"; mkdir "$D/src"
	git -C "$TOP" archive "$2" | tar x -C "$D/src"
	buildah bud -q --pull=never --network host --isolation chroot --layers \
	    -t "docker.io/library/ecluse:$1" "$D/src"
	buildah push -q "docker.io/library/ecluse:$1" "oci-archive:$D/$1.tar:docker.io/library/ecluse:$1"
	rm -rf "$D/src"
}
build one "$REV"; build two HEAD
ls -l "$D"/one.tar "$D"/two.tar
