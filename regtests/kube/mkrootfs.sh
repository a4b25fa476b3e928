#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mkrootfs.sh OUTDIR BINARY... - copy dynamically linked binaries with the libraries they load
set -eu
o=$1; shift; mkdir -p "$o/etc" "$o/tmp"; chmod 1777 "$o/tmp"
for b in "$@"; do
  b=$(readlink -f "$(command -v "$b")"); install -D "$b" "$o$b"
  ldd "$b" 2>/dev/null | grep -o '/[^ ]*' | while read -r l; do install -D "$(readlink -f "$l")" "$o$l"; done
done
echo 'root:x:0:0:root:/:/sbin/nologin
nonroot:x:65532:65532:nonroot:/:/sbin/nologin' > "$o/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' > "$o/etc/group"
echo 'hosts: files dns' > "$o/etc/nsswitch.conf"
