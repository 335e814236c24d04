# Pipelines against the unpartitioned program: `pipelines.py [--models=a,b] [MESH/SCHEDULE/MICROBATCHES[/OPTION…] …]`.
#
# Compiles each model with --strategy=none and for each case (`data:2,pipe:2/1f1b/4/recompute`), runs all for 20 steps on the
# same synthetic samples, and compares losses (relative 1e-5), parameters and optimizer state (2e-4 of each tensor's norm); with
# --precision=bf16 within what roundings in another order amount to (test/Execute/precision.test says how much that is).
# Without cases: every combination of mesh, schedule, microbatches and recomputation, which takes half an hour on two cores.
# Prints a line for each; exit status 1 if one differs or does not run.
import argparse
import concurrent.futures
import itertools
import math
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXECUTE = os.path.join(ROOT, "test", "Execute")
MODELS = {
    "mnist_cnn": "examples/mnist_cnn/mnist_cnn.dt",
    "cifar_convnet": "examples/cifar_convnet/cifar_convnet.dt",
    "mlp": "test/Execute/Inputs/models/mlp.dt",
    "residual": "test/Execute/Inputs/models/residual.dt",
    "unet": "test/Execute/Inputs/models/unet.dt",
    "tied": "test/Execute/Inputs/models/tied.dt",
}

# Whoever runs this, on however few cores.
os.environ.update({"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"})


class Failed(Exception):
    pass


def run(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        raise Failed(f"hangs: {' '.join(command)}")
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise Failed(f"{os.path.basename(command[0])} exits with {done.returncode}: {lines[0]}")
    return done.stdout


def train(dtc, directory, model, batch, seed, ranks, options):
    """Compiles and runs one program; gives the files of its losses and its checkpoint."""
    program = os.path.join(directory, "train")
    run(dtc, os.path.join(ROOT, MODELS[model]), f"--batch={batch}", *options, "-o", program)
    losses, parameters = program + ".jsonl", program + ".safetensors"
    run("mpirun", "--oversubscribe", "-n", str(ranks), program, f"--data=synthetic:{20 * batch}", "--steps=20",
        "--shuffle=off", f"--seed={seed}", f"--metrics={losses}", f"--save={parameters}")
    return losses, parameters


def compare(script, expected, actual, *options):
    done = subprocess.run([sys.executable, os.path.join(EXECUTE, script), expected, actual, *options],
                          capture_output=True, text=True)
    if done.returncode:
        raise Failed(done.stderr.strip().splitlines()[0] if done.stderr.strip() else done.stdout.strip())
    return re.search(r"difference (\S+)", done.stdout)[1]


def evaluations(path):
    with open(path) as file:
        return re.findall(r'"eval_accuracy":([0-9.]*)', file.read())


def all_cases():
    return ["/".join(parts) for parts in itertools.product(
        "pipe:2 pipe:3 pipe:4 data:2,pipe:2 pipe:2,data:2".split(), "1f1b gpipe interleaved zero-bubble zero-bubble-2 zero-bubble-v v-half v-min".split(), "148",
        ["", "recompute"])]


def check(dtc, model, batch, seed, case, expected, arguments):
    mesh, schedule, microbatches, *options = case.split("/")
    ranks = math.prod(int(axis.split(":")[1]) for axis in mesh.split(","))
    options = [f"--mesh={mesh}", f"--microbatches={microbatches}", f"--schedule={schedule}",
               f"--precision={arguments.precision}", *("--" + option for option in options if option)]
    with tempfile.TemporaryDirectory() as directory:
        losses, parameters = train(dtc, directory, model, batch, seed, ranks, options)
        full = arguments.precision == "f32"
        differences = (compare("compare_losses.py", expected[0], losses, f"--tolerance={1e-5 if full else 2e-3}", "--steps=20"),
                       compare("compare_parameters.py", expected[1], parameters, f"--tolerance={2e-4 if full else 5e-2}"))
        if full and evaluations(expected[0]) != evaluations(losses):
            raise Failed("another accuracy in the evaluation")
        return differences


def main():
    parser = argparse.ArgumentParser(description="pipelines against the unpartitioned program")
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--dtc", default=os.path.join(ROOT, "build", "release", "bin", "dtc"))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--batch", type=int, default=32)
    # Rounding can take one sample over a kink of relu: its whole gradient then differs, at some seeds.
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    failures = 0
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        pending = []
        for model in arguments.models.split(","):
            folder = os.path.join(directory, model)
            os.mkdir(folder)
            expected = train(arguments.dtc, folder, model, arguments.batch, arguments.seed, 1,
                             [f"--precision={arguments.precision}"])
            for case in arguments.cases or all_cases():
                pending.append((model, case, pool.submit(check, arguments.dtc, model, arguments.batch, arguments.seed, case,
                                                         expected, arguments)))
        print(f"{'model':14} {'case':40} losses   parameters")
        for model, case, result in pending:
            try:
                verdict = "{}  {}".format(*result.result())
            except Failed as failure:
                verdict = f"FAILED: {failure}"
                failures += 1
            print(f"{model:14} {case:40} {verdict}", flush=True)
        print(f"{len(pending)} cases of batch {arguments.batch}, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
