#!/usr/bin/env bash
# Compiles the ConvNet as a pipeline of four stages, one a device, trains it and tests it. CIFAR10_DIR names the folder of
# CIFAR-10's binary version (data_batch_1.bin …); without it, a data set in that format is generated. EPOCHS: 3 by default.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
example=$root/examples/cifar_convnet
out=$root/build/cifar_convnet

"$root/scripts/build.sh" dtc dtcrt_cpu
mkdir -p "$out"
cd "$out"
PATH=$root/build/release/bin:$PATH

# Four ranks also where there are fewer cores, and for root in a container.
export OMPI_MCA_rmaps_base_oversubscribe=1
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

data=${CIFAR10_DIR:-}
if [ -z "$data" ]; then
  data=$out/generated
  echo "CIFAR10_DIR is not set: training on generated images of stripes in CIFAR-10's format, not on CIFAR-10" >&2
  [ -f "$data/test_batch.bin" ] || python3 "$example/make_data.py" "$data"
fi
show() { echo "\$ $*"; "$@"; }
show dtc "$example/cifar_convnet.dt" --strategy=model --devices=4 --explain -o cifar_convnet
show mpirun -n 4 ./cifar_convnet --data="cifar10:$data" --epochs="${EPOCHS:-3}" --seed=0 --save=cifar_convnet.safetensors
