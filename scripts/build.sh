#!/usr/bin/env bash
# Builds targets of the release preset into build/release: all of them, or those named. Installs what the build needs.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/scripts/install-dependencies.sh"

# A file of the compiler takes up to 1.5 GB to compile.
memory=$(awk '/MemAvailable/ { print int($2 / 1.5e6) }' /proc/meminfo)
jobs=$(nproc)
[ "$memory" -ge "$jobs" ] || jobs=$((memory > 1 ? memory : 1))

cd "$root"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset release >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
cmake --build --preset release --parallel "$jobs" ${1:+--target "$@"}
