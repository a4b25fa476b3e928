#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# node-down.sh DIR [--keep] - end the namespace (and with it all its processes), remove cgroups, restore sysctls.
set -u
D=${1:?usage: node-down.sh DIR [--keep]}
p=$(cat "$D/init.pid" 2>/dev/null) && kill -9 "$p" 2>/dev/null
for i in $(seq 100); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done
for c in /sys/fs/cgroup/*/ecluse-kube; do [ -d "$c" ] && find "$c" -depth -type d -exec rmdir {} \; 2>/dev/null; done
[ -f "$D/sysctl.saved" ] && sysctl -qp "$D/sysctl.saved" 
[ "${2:-}" = --keep ] || rm -rf "$D"
