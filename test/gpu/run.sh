#!/usr/bin/env bash
# On a machine with a GPU: builds the programs of the folder that prepare.sh made, checks them, and times them beside PyTorch.
#   run.sh [--build-only] [--no-bench] [options, see run.py --help]
# Needs the CUDA toolkit with cuDNN (NVIDIA's wheels of cuDNN and NCCL will do), CMake and python3; PyTorch for the times.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
die() { echo "run.sh: $*" >&2; exit 2; }
[ -f "$here/cases.json" ] || die "no cases.json beside this script: make the folder with test/gpu/prepare.sh, and run the copy in it"
nvcc=$(command -v nvcc || true)
for folder in "${CUDA_HOME:-}" "${CUDA_PATH:-}" /usr/local/cuda; do
  if [ -z "$nvcc" ] && [ -x "$folder/bin/nvcc" ]; then nvcc=$folder/bin/nvcc; fi
done
[ -n "$nvcc" ] || die "no nvcc: install the CUDA toolkit, or name its folder with CUDA_HOME"
command -v cmake >/dev/null || die "no cmake"
exec python3 "$here/run.py" --nvcc="$nvcc" "$@"
