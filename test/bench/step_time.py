"""Step time of compiled programs beside PyTorch, or beside another dtc's, in interleaved runs; medians, and their ratio.

Three models of examples/ and a residual network with batch normalisation, on one rank with two threads and on two ranks with one thread each. PyTorch takes the best of
its thread counts, memory formats and (--compile) torch.compile, chosen for each model before the measurement. Both see
random data in memory. README.md beside this file says how to read the result.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DTC = ROOT / "build/release/bin/dtc"
MODELS = {"mnist_cnn": 256, "mlp": 64, "cifar_convnet": 256, "cifar_resnet": 128}
# Those that are no examples.
SOURCES = {"cifar_resnet": "test/bench/models/cifar_resnet.dt"}
# What torch_step.py does, whatever the model files say.
RECIPES = {"mnist_cnn": ["--optimizer=adam", "--lr=1e-3"], "mlp": ["--optimizer=sgd", "--lr=0.1"],
           "cifar_convnet": ["--optimizer=sgd", "--lr=0.01", "--momentum=0.9"],
           "cifar_resnet": ["--optimizer=sgd", "--lr=0.01", "--momentum=0.9"]}


def run(command, **environment):
    """Standard output of a command; its own messages if it fails."""
    done = subprocess.run([str(word) for word in command], env=os.environ | environment, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, cwd=tempfile.gettempdir())
    if done.returncode:
        sys.exit(f"step_time: {' '.join(map(str, command))} failed:\n{done.stderr}{done.stdout}")
    return done.stdout


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.programs = {}

    def compile(self, model, ranks, dtc=DTC):
        """Compiles a program; returns the seconds of `dtc --emit=source` and of the whole way."""
        source = ROOT / SOURCES.get(model, f"examples/{model}/{model}.dt")
        strategy = ["--strategy=data", f"--devices={ranks}"] if ranks > 1 else []
        strategy += ["--loss=cross-entropy", f"--batch={MODELS[model]}", *RECIPES[model]]
        program = self.folder / f"{model}_{ranks}{'' if dtc == DTC else '_other'}"
        starts = [time.perf_counter()]
        run([dtc, source, *strategy, "--emit=source", "-o", f"{program}_source"])
        starts.append(time.perf_counter())
        run([dtc, source, *strategy, "-o", program])
        starts.append(time.perf_counter())
        self.programs[model, ranks, dtc] = program
        return starts[1] - starts[0], starts[2] - starts[1]

    def ours(self, model, ranks, threads, dtc=DTC):
        """Milliseconds of each step of the compiled program."""
        metrics = self.folder / "metrics.jsonl"
        steps = self.options.warmup + self.options.steps
        run(["mpirun", "-n", ranks, self.programs[model, ranks, dtc], "--data=synthetic", f"--steps={steps}",
             f"--metrics={metrics}"], DTCRT_THREADS=str(threads))
        rates = [line["samples_per_second"] for line in map(json.loads, metrics.read_text().splitlines())
                 if "samples_per_second" in line]
        return [1e3 * MODELS[model] / rate for rate in rates[self.options.warmup:]]

    def torch(self, model, ranks, threads, layout, compiled=False):
        """Milliseconds of each step of PyTorch."""
        store = self.folder / f"store_{time.monotonic_ns()}"
        output = run([sys.executable, HERE / "torch_step.py", model, f"--batch={MODELS[model]}", f"--layout={layout}",
                      f"--ranks={ranks}", f"--steps={self.options.steps}", f"--warmup={self.options.warmup}",
                      f"--store={store}", *(["--compile"] if compiled else [])], OMP_NUM_THREADS=str(threads))
        return json.loads(output)

    def best_torch(self, model, ranks):
        """PyTorch's fastest configuration for a model: (threads, layout, compiled)."""
        candidates = [(threads, layout, compiled) for threads in ((1, 2) if ranks == 1 else (1,))
                      for layout in ("contiguous", "channels_last")
                      for compiled in ((False, True) if self.options.compile else (False,))]
        return min(candidates, key=lambda candidate: statistics.median(self.torch(model, ranks, *candidate)))

    def compare(self, model, ranks):
        """Medians in milliseconds over interleaved runs: ours, PyTorch's, and PyTorch's configuration."""
        best = self.best_torch(model, ranks)
        ours, theirs = [], []
        for _ in range(self.options.rounds):
            ours += self.ours(model, ranks, 2 if ranks == 1 else 1)
            theirs += self.torch(model, ranks, *best)
        return statistics.median(ours), statistics.median(theirs), best


    def compare_with_other(self, model, ranks):
        """Medians in milliseconds over interleaved runs: ours, and the other dtc's."""
        times = {DTC: [], self.options.other: []}
        for number in range(self.options.rounds):
            for dtc in list(times)[::1 if number % 2 else -1]:
                times[dtc] += self.ours(model, ranks, 2 if ranks == 1 else 1, dtc)
        return [statistics.median(of_one) for of_one in times.values()]


def describe(best):
    threads, layout, compiled = best
    return f"{threads} thread{'s' * (threads > 1)}, {layout}" + (", torch.compile" if compiled else "")


def cpu_name():
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return names[0] if names else platform.machine()


def report(bench, options):
    torch_version = run([sys.executable, "-c", "import torch; print(torch.__version__)"]).strip()
    yield f"{cpu_name()}, {os.cpu_count()} cores; PyTorch {torch_version}"
    yield f"medians of {options.rounds} interleaved runs of {options.steps} steps each, after {options.warmup} steps"
    yield ""
    yield "| model | dtc --emit=source, s | whole way to the binary, s |"
    yield "|---|---|---|"
    for model in options.models:
        times = [bench.compile(model, 1) for _ in range(3)]
        yield "| {} | {:.3f} | {:.2f} |".format(model, *(statistics.median(column) for column in zip(*times)))
        bench.compile(model, 2)
    yield ""
    yield "| model | global batch | ranks × threads | dtc, ms | PyTorch, ms | PyTorch / dtc | PyTorch's best |"
    yield "|---|---|---|---|---|---|---|"
    two_ranks = {}
    for model in options.models:
        for ranks in (1, 2):
            ours, theirs, best = bench.compare(model, ranks)
            two_ranks[model] = ours
            yield (f"| {model} | {MODELS[model]} | {ranks} × {3 - ranks} | {ours:.2f} | {theirs:.2f} | "
                   f"{theirs / ours:.2f} | {describe(best)} |")
    yield ""
    yield "| model | one rank, one thread, ms | two ranks, one thread each, ms | throughput |"
    yield "|---|---|---|---|"
    for model in options.models:
        alone = statistics.median(sum((bench.ours(model, 1, 1) for _ in range(options.rounds)), []))
        together = statistics.median(sum((bench.ours(model, 2, 1) for _ in range(options.rounds)), []))
        yield f"| {model} | {alone:.2f} | {together:.2f} | {alone / together:.2f} × |"


def report_beside_other(bench, options):
    yield f"{cpu_name()}, {os.cpu_count()} cores"
    yield f"medians of {options.rounds} interleaved runs of {options.steps} steps each, after {options.warmup} steps"
    yield ""
    yield "| model | global batch | ranks × threads | dtc, ms | the other, ms | the other / dtc |"
    yield "|---|---|---|---|---|---|"
    for model in options.models:
        for ranks in (1, 2):
            for dtc in (DTC, options.other):
                bench.compile(model, ranks, dtc)
            ours, theirs = bench.compare_with_other(model, ranks)
            yield f"| {model} | {MODELS[model]} | {ranks} × {3 - ranks} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.3f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help=f"which models (default: {', '.join(MODELS)})")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved runs of each (5)")
    parser.add_argument("--steps", type=int, default=40, help="measured steps of a run (40)")
    parser.add_argument("--warmup", type=int, default=10, help="steps before them (10)")
    parser.add_argument("--compile", action="store_true", help="let PyTorch use torch.compile where it is faster")
    parser.add_argument("--other", type=Path, metavar="DTC", help="another build's dtc, whose programs take PyTorch's place")
    parser.add_argument("--save", action="store_true", help="keep the result as results/DATE.md")
    options = parser.parse_args()
    if unknown := set(options.models) - set(MODELS):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    options.models = options.models or list(MODELS)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for line in (report_beside_other if options.other else report)(Bench(options, Path(folder)), options):
            print(line, flush=True)
            lines.append(line)
    if options.save:
        path = HERE / "results" / f"{datetime.date.today()}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text("# Step time\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
