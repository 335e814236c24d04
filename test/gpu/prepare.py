"""Puts all that test/gpu/run.sh needs on a machine with a GPU into one folder: see README.md beside this file.

The folder holds the emitted CUDA programs, one copy of the runtime's sources, the losses of the same programs on the CPU, and the
scripts. cases.json says what each program is for.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODELS = {
    "mnist_cnn": "examples/mnist_cnn/mnist_cnn.dt",
    "cifar_convnet": "examples/cifar_convnet/cifar_convnet.dt",
    "mlp": "examples/mlp/mlp.dt",
    "residual": "test/Execute/Inputs/models/residual.dt",
    "unet": "test/Execute/Inputs/models/unet.dt",
    "tied": "test/Execute/Inputs/models/tied.dt",
    "batch_norm": "test/Execute/reference/batch_norm.dt",
    "norm_residual": "test/Execute/reference/norm_residual.dt",
    "resnet50": "test/gpu/models/resnet50.dt",
}
STEPS = 20
# Four ranks: the two case studies.
RANKS = {"mnist_cnn": ["--strategy=data", "--devices=4"], "cifar_convnet": ["--strategy=model", "--devices=4"]}
BENCHES = [("mlp", 64), ("mnist_cnn", 256), ("cifar_convnet", 256), ("resnet50", 64), ("resnet50", 256)]


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"prepare: {' '.join(map(str, command))} failed:\n{done.stderr}{done.stdout}")
    return done.stdout


class Folder:
    def __init__(self, options):
        self.options, self.path = options, Path(options.folder).resolve()

    def emit(self, case):
        target = self.path / "programs" / case["name"]
        run(self.options.dtc, ROOT / MODELS[case["model"]], "--target=cuda", "--emit=source", *case["options"], "-o", target)
        # All programs share one copy of the runtime.
        shutil.rmtree(target / "runtime")

    def curve(self, model):
        """The losses of the first steps on the CPU, as anybody's copy of dtc makes them."""
        program, curve = self.path / f"{model}.cpu", self.path / "curves" / f"{model}.jsonl"
        run(self.options.dtc, ROOT / MODELS[model], "--batch=32", "-o", program)
        run(program, f"--data=synthetic:{32 * STEPS}", f"--steps={STEPS}", "--shuffle=off", f"--metrics={curve}")
        program.unlink()
        shutil.rmtree(f"{program}.source")


def cases(options):
    wanted = options.models.split(",") if options.models else list(MODELS)
    precisions = options.precisions.split(",")
    for model in wanted:
        if model == "resnet50":
            continue  # a CPU would take minutes for its losses
        for precision in precisions:
            if precision != "tf32":
                yield {"name": f"{model}-{precision}", "use": "losses", "model": model, "precision": precision, "ranks": 1,
                       "batch": 32, "options": ["--batch=32", *precision_options(precision)]}
        if model in RANKS and not options.one_rank:
            yield {"name": f"{model}-4-ranks", "use": "losses", "model": model, "precision": "f32", "ranks": 4, "batch": 32,
                   "options": ["--batch=32", *RANKS[model]]}
    if options.losses_alone:
        return
    for model, batch in BENCHES:
        if model in wanted:
            for precision in precisions:
                yield {"name": f"{model}-{precision}-{batch}", "use": "bench", "model": model, "precision": precision, "ranks": 1,
                       "batch": batch, "options": [f"--batch={batch}", *precision_options(precision)]}


def precision_options(precision):
    return [] if precision == "f32" else [f"--precision={precision}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--dtc", default=ROOT / "build/release/bin/dtc")
    parser.add_argument("--models", help="some of " + ", ".join(MODELS))
    parser.add_argument("--precisions", default="f32,tf32,bf16")
    parser.add_argument("--losses-alone", action="store_true", help="no benchmarks")
    parser.add_argument("--one-rank", action="store_true", help="no programs for several ranks")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()

    folder = Folder(options)
    if folder.path.exists() and not (folder.path / "cases.json").exists() and any(folder.path.iterdir()):
        sys.exit(f"prepare: {folder.path} holds something else: name an empty or a new folder")
    shutil.rmtree(folder.path, ignore_errors=True)
    (folder.path / "curves").mkdir(parents=True)
    (folder.path / "programs").mkdir()
    all_cases = list(cases(options))
    first = folder.path / "programs" / "first"
    run(options.dtc, ROOT / MODELS["mlp"], "--target=cuda", "--emit=source", "-o", first)
    shutil.move(first / "runtime", folder.path / "runtime")
    shutil.rmtree(first)
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(folder.emit, all_cases))
    for model in dict.fromkeys(case["model"] for case in all_cases if case["use"] == "losses"):
        folder.curve(model)
    for script in ("run.sh", "run.py", "peers.py"):
        shutil.copy(HERE / script, folder.path)
    shutil.copy(ROOT / "test/Execute/compare_losses.py", folder.path)
    shutil.copy(ROOT / "test/bench/torch_step.py", folder.path)
    (folder.path / "cases.json").write_text(json.dumps(all_cases, indent=1) + "\n")
    size = sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file())
    print(f"{len(all_cases)} programs, {size / 2**20:.1f} MiB in {folder.path}: carry it to the machine and run run.sh there")


if __name__ == "__main__":
    main()
