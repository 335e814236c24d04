# What two builds of dtc emit for the examples under every strategy: `same_source.py OTHER_DTC [--dtc=DTC]`.
#
# For reshaping the compiler: with one runtime, text that is the same trains the same, bit for bit. Lines that only name things for
# people are told apart (comments, spans, the program's identity); every other line that differs is printed. What both refuse in the
# same words is no program. Exit status 1 if a line differs.
import argparse
import difflib
import itertools
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODELS = ["examples/mnist_cnn/mnist_cnn.dt", "examples/cifar_convnet/cifar_convnet.dt", "examples/mlp/mlp.dt",
          *(f"test/Execute/Inputs/models/{name}.dt" for name in ("residual", "unet", "tied"))]
STRATEGIES = ["", "--strategy=data --devices=2", "--strategy=data --devices=4 --batch-norm=whole", "--strategy=model --devices=4",
              "--mesh=data:2,pipe:2 --schedule=zero-bubble", "--mesh=pipe:2,data:2 --recompute", "--strategy=model --devices=2 --schedule=v-half",
              "--strategy=model --devices=2 --schedule=interleaved --precision=bf16", "--strategy=data --devices=2 --precision=bf16", "--target=cuda"]
FOR_PEOPLE = re.compile(r"\s*//|\s*Span span\(|\s*\.identity = ")


def source(dtc, model, options, folder):
    done = subprocess.run([dtc, os.path.join(ROOT, model), *options.split(), "--emit=source", "-o", folder], capture_output=True, text=True)
    if done.returncode:
        return [f"dtc: exit {done.returncode}: {done.stderr.strip()}"]
    with open(os.path.join(folder, "train.cu" if "cuda" in options else "train.cpp")) as file:
        return file.read().splitlines()


def main():
    parser = argparse.ArgumentParser(description="the emitted source of two builds of dtc")
    parser.add_argument("other")
    parser.add_argument("--dtc", default=os.path.join(ROOT, "build", "release", "bin", "dtc"))
    arguments = parser.parse_args()
    refused = programs = named = differing = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (model, options) in enumerate(itertools.product(MODELS, STRATEGIES)):
            old = source(arguments.other, model, options, os.path.join(folder, f"old{number}"))
            new = source(arguments.dtc, model, options, os.path.join(folder, f"new{number}"))
            if old == new and old[0].startswith("dtc: exit"):
                refused += 1
                continue
            programs += 1
            lines = [line for line in difflib.unified_diff(old, new, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))]
            other = [line for line in lines if not FOR_PEOPLE.match(line[1:])]
            named += bool(lines) and not other
            differing += bool(other)
            for line in other[:20]:
                print(f"{model} {options}: {line}")
    print(f"{programs} programs, {differing} differ, {named} in what is for people alone; {refused} refused by both")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
