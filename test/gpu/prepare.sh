#!/usr/bin/env bash
# Puts all that run.sh needs on a machine with a GPU into one folder: test/gpu/prepare.sh [FOLDER] [options, see prepare.py --help].
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
"$root/scripts/build.sh" dtc dtcrt_cpu >&2
folder=$root/build/gpu
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
  folder=$1
  shift
fi
exec python3 "$root/test/gpu/prepare.py" "$folder" "$@"
