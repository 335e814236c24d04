# How long dtc takes for a perceptron of many layers: `compile_time.py [--dtc=PATH] [LAYERS …]` (1000 4000 16000).
#
# To the emitted source, for one rank and for two that share the batch; the best of three. The last column is the time for a
# layer beside that of the smallest model: a compiler that is linear in the model keeps it near 1.
import argparse
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STRATEGIES = {"none": [], "data:2": ["--strategy=data", "--devices=2"]}


def perceptron(layers):
    body = "".join(f"  x = x |> linear(8) as fc{i} |> relu\n" for i in range(layers))
    return (f"model deep(input: f32[N, 8]) -> y {{\n  x = input\n{body}  y = x |> linear(4) as last\n}}\n"
            "train deep { loss: cross_entropy   optimizer: sgd(lr: 0.01, momentum: 0.9)   batch: 16 }\n")


def seconds(dtc, model, options, folder):
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([dtc, model, "--emit=source", *options, "-o", folder], check=True, stderr=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - start)
    return best


def main():
    parser = argparse.ArgumentParser(description="compile times of deep perceptrons")
    parser.add_argument("layers", nargs="*", type=int, default=[1000, 4000, 16000])
    parser.add_argument("--dtc", default=os.path.join(ROOT, "build", "release", "bin", "dtc"))
    arguments = parser.parse_args()
    print(f"{'layers':>7} {'strategy':9} {'seconds':>8} {'a layer, relative':>18}")
    first = {}
    with tempfile.TemporaryDirectory() as folder:
        for layers in arguments.layers:
            model = os.path.join(folder, "deep.dt")
            with open(model, "w") as file:
                file.write(perceptron(layers))
            for name, options in STRATEGIES.items():
                took = seconds(arguments.dtc, model, options, os.path.join(folder, "out"))
                relative = took / layers / first.setdefault(name, took / layers)
                print(f"{layers:7} {name:9} {took:8.2f} {relative:18.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
