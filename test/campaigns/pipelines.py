# Pipelines against the unpartitioned program: `pipelines.py [--models=a,b] [--meshes=…] [--schedules=…] [--microbatches=…]`.
#
# Compiles each model with --strategy=none and with every combination of mesh, schedule, microbatches and recomputation, runs
# all for 20 steps on the same synthetic samples, and compares losses (relative 1e-5), parameters and optimizer state (2e-4 of
# each tensor's norm). Prints a line for each combination; exit status 1 if one differs or does not run. The whole matrix takes
# about an hour on two cores; the options narrow it.
import argparse
import concurrent.futures
import itertools
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
MESHES = "pipe:2 pipe:3 pipe:4 data:2,pipe:2 pipe:2,data:2".split()
SCHEDULES = "1f1b gpipe interleaved zero-bubble".split()

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


def train(dtc, directory, model, batch, ranks, options):
    """Compiles and runs one program; gives the files of its losses and its checkpoint."""
    program = os.path.join(directory, "train")
    run(dtc, os.path.join(ROOT, MODELS[model]), f"--batch={batch}", *options, "-o", program)
    losses, parameters = program + ".jsonl", program + ".safetensors"
    run("mpirun", "--oversubscribe", "-n", str(ranks), program, f"--data=synthetic:{20 * batch}", "--steps=20",
        "--shuffle=off", f"--metrics={losses}", f"--save={parameters}")
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


def check(dtc, case, expected):
    model, batch, mesh, schedule, microbatches, recompute = case
    ranks = 1
    for axis in mesh.split(","):
        ranks *= int(axis.split(":")[1])
    options = [f"--mesh={mesh}", f"--microbatches={microbatches}", f"--schedule={schedule}"]
    with tempfile.TemporaryDirectory() as directory:
        losses, parameters = train(dtc, directory, model, batch, ranks, options + ["--recompute"] * recompute)
        differences = (compare("compare_losses.py", expected[0], losses, "--tolerance=1e-5", "--steps=20"),
                       compare("compare_parameters.py", expected[1], parameters))
        if evaluations(expected[0]) != evaluations(losses):
            raise Failed("another accuracy in the evaluation")
        return differences


def main():
    parser = argparse.ArgumentParser(description="pipelines against the unpartitioned program")
    parser.add_argument("--dtc", default=os.path.join(ROOT, "build", "release", "bin", "dtc"))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--batch", type=int, default=32, help="32; the tests of uneven shares take 31")
    parser.add_argument("--meshes", default=" ".join(MESHES), help="separated by spaces")
    parser.add_argument("--schedules", default=",".join(SCHEDULES))
    parser.add_argument("--microbatches", default="1,4,8")
    parser.add_argument("--recompute", default="off,on")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    failures = 0
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        pending = []
        for model in arguments.models.split(","):
            folder = os.path.join(directory, model)
            os.mkdir(folder)
            expected = train(arguments.dtc, folder, model, arguments.batch, 1, [])
            for mesh, schedule, microbatches, recompute in itertools.product(
                    arguments.meshes.split(), arguments.schedules.split(","), arguments.microbatches.split(","),
                    arguments.recompute.split(",")):
                case = (model, arguments.batch, mesh, schedule, int(microbatches), recompute == "on")
                pending.append((case, pool.submit(check, arguments.dtc, case, expected)))
        print(f"{'model':14} {'batch':>5} {'mesh':14} {'schedule':12} {'m':>2} {'recompute':9}  losses   parameters")
        for (model, batch, mesh, schedule, microbatches, recompute), result in pending:
            try:
                verdict = "{}  {}".format(*result.result())
            except Failed as failure:
                verdict = f"FAILED: {failure}"
                failures += 1
            print(f"{model:14} {batch:5} {mesh:14} {schedule:12} {microbatches:2} {'on' if recompute else 'off':9}  {verdict}",
                  flush=True)
        print(f"{len(pending)} combinations, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
