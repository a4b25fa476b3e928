#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# down.sh DIR [--keep] - stop what up.sh started (by the pids it wrote), drop the state.
set -u
D=${1:?usage: down.sh DIR [--keep]}
for n in scheduler kcm apiserver etcd; do
  [ -f "$D/$n.pid" ] || continue
  p=$(cat "$D/$n.pid"); kill "$p" 2>/dev/null
  for i in $(seq 100); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$p" 2>/dev/null; rm -f "$D/$n.pid"
done
[ "${2:-}" = --keep ] || rm -rf "$D"
