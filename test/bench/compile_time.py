# How long dtc takes for a perceptron of many layers: `compile_time.py [--dtc=PATH] [LAYERS …]` (1000 4000 16000).
#
# To the emitted source, for one rank and for two that share the batch; the best of three. The last column is the time for a
# layer beside that of the smallest model: a compiler that is linear in the model keeps it near 1. Then to the program, which the host's
# compiler makes, for a pipeline of 200 layers on four stages with eight microbatches: the best of three, the emitted bytes, and the seconds
# of processors that it takes, which is less of a matter of what else the machine does.
import argparse
import os
import resource
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


def to_program(dtc, layers, folder):
    """Seconds to the program, seconds of processors, and the bytes of its source."""
    model, program = os.path.join(folder, "pipeline.dt"), os.path.join(folder, "pipeline")
    with open(model, "w") as file:
        file.write(perceptron(layers))
    best = (float("inf"), 0.0)
    for _ in range(3):
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([dtc, model, "--strategy=model", "--devices=4", "--microbatches=8", "-o", program], check=True, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, (time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return *best, os.path.getsize(program + ".source/train.cpp")


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
        took, processors, size = to_program(arguments.dtc, 200, folder)
        print(f"to the program, 200 layers on 4 stages, 8 microbatches: {took:.2f} s ({processors:.2f} s of processors), {size} bytes of source")
    return 0


if __name__ == "__main__":
    sys.exit(main())
