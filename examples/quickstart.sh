#!/usr/bin/env bash
# Compiles a convolutional network for four ranks, trains it on Fashion-MNIST for one epoch and tests it; then shows that
# the same network as an ONNX file takes the same steps. Installs and builds what is missing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
example=$root/examples/mnist_cnn
images=/usr/share/datasets/fashion-mnist
out=$root/build/quickstart

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
# Prints a command and runs it.
show() { echo "\$ $*"; "$@"; }

say "Building dtc (some minutes the first time, seconds later)"
"$root/scripts/build.sh" dtc dtcrt_cpu
mkdir -p "$out"
cd "$out"
PATH=$root/build/release/bin:$PATH

# Four ranks also where there are fewer cores, and for root in a container.
export OMPI_MCA_rmaps_base_oversubscribe=1
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

say "Compiling $example/mnist_cnn.dt for four ranks"
show dtc "$example/mnist_cnn.dt" --strategy=data --devices=4 --explain -o mnist_cnn

say "Training for one epoch on Fashion-MNIST"
show mpirun -n 4 ./mnist_cnn --data=idx:$images --epochs=1 --validation=10000 --seed=0 --save=mnist_cnn.safetensors

say "The emitted program is C++ that you can read and change"
echo "$out/mnist_cnn.source/train.cpp"

say "The same network from ONNX, from the same initial weights"
show dtc "$example/mnist_cnn.onnx" --loss=cross-entropy --optimizer=adam --batch=256 \
  --strategy=data --devices=4 -o mnist_cnn_onnx
mpirun -n 4 ./mnist_cnn --data=idx:$images --seed=0 --steps=0 --save=initial.safetensors >/dev/null
for program in mnist_cnn mnist_cnn_onnx; do
  mpirun -n 4 ./$program --data=idx:$images --seed=0 --steps=5 --load=initial.safetensors --metrics=$program.jsonl >/dev/null
done
python3 - mnist_cnn.jsonl mnist_cnn_onnx.jsonl <<'END'
# Prints both sequences of losses; they must agree up to the order of additions.
import json, sys
ours, theirs = ([json.loads(line)["loss"] for line in open(path) if '"loss"' in line] for path in sys.argv[1:])
print("step  mnist_cnn.dt  mnist_cnn.onnx")
for step, (a, b) in enumerate(zip(ours, theirs), 1):
    print(f"{step:4}  {a:12.6f}  {b:14.6f}")
same = len(ours) == len(theirs) > 0 and all(abs(a - b) <= 1e-5 * abs(a) for a, b in zip(ours, theirs))
print("the losses agree" if same else "the losses differ")
sys.exit(not same)
END
