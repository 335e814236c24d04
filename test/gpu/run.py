"""Builds the programs of a prepared folder, checks them on the GPU, and times them beside PyTorch: called by run.sh.

  losses     20 steps of every program against the same program's losses on the CPU: f32 within 1e-4, bf16 within 2e-2
  ranks      the programs of four ranks, sharing the one GPU, where mpirun is
  sanitizer  one step under compute-sanitizer, where it is
  times      the median step beside PyTorch's: eager, torch.compile(mode="max-autotune") and CUDA graphs; peak memory of both

What a machine lacks is named and left out. Exit status 1 when a check fails; times are reported, not judged.
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
TOLERANCE = {"f32": "1e-4", "bf16": "2e-2"}
MODES = ["eager", "compile", "graphs"]


class Failed(Exception):
    pass


def run(*command, timeout=600, **environment):
    """Standard output and errors of a command."""
    try:
        done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=os.environ | environment, cwd=HERE, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} takes more than {timeout} s")
    if done.returncode:
        lines = [line for line in done.stdout.strip().splitlines() if line.strip()] or ["no message"]
        raise Failed(f"{Path(str(command[0])).name} exits with {done.returncode}: " + " | ".join(lines[-3:]))
    return done.stdout


class Machine:
    """What is here."""

    def __init__(self):
        self.gpu = self.query("name,driver_version,memory.total")
        self.mpirun = shutil.which("mpirun")
        self.sanitizer = shutil.which("compute-sanitizer")
        done = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True)
        self.torch = done.stdout.strip() if done.returncode == 0 else None

    @staticmethod
    def query(what):
        try:
            done = subprocess.run(["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"], capture_output=True, text=True)
        except OSError:
            return None
        return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else None

    def memory_used(self):
        """MiB of the GPU that all programs together hold."""
        used = self.query("memory.used")
        return float(used) if used else 0.0


class PeakMemory:
    """The most that was used between enter and exit, beyond what was used before, in MiB; looked at 20 times a second."""

    def __init__(self, machine):
        self.machine = machine

    def __enter__(self):
        self.before, self.most, self.over = self.machine.memory_used(), 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.over.wait(0.05):
            self.most = max(self.most, self.machine.memory_used() - self.before)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def build(options, cases):
    arguments = [f"-DCMAKE_CUDA_COMPILER={options.nvcc}", f"-DDTCRT_CUDA_ARCHITECTURES={options.arch.replace(',', ';')}"]
    run("cmake", "-S", HERE / "runtime", "-B", BUILD / "runtime", "-DCMAKE_BUILD_TYPE=Release", *arguments)
    run("cmake", "--build", BUILD / "runtime", "--parallel", options.jobs, "--target", "dtcrt_cuda", timeout=3600)
    library = next((BUILD / "runtime").rglob("libdtcrt_cuda.a"))
    codes = [f"-gencode=arch=compute_{arch},code=sm_{arch}" for arch in options.arch.split(",")]

    def compile_program(case):
        folder = HERE / "programs" / case["name"]
        run(options.nvcc, *codes, "-Werror=all-warnings", "-I", HERE / "runtime/include", folder / "train.cu", library, "-optf",
            library.with_suffix(".args"), "-o", BUILD / case["name"], timeout=1800)
        if (folder / "parameters.safetensors").exists():
            shutil.copy(folder / "parameters.safetensors", BUILD)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(compile_program, cases))


def losses_of(case, *arguments, launcher=()):
    metrics = BUILD / f"{case['name']}.jsonl"
    run(*launcher, BUILD / case["name"], "--data=synthetic:640", "--steps=20", "--shuffle=off", f"--metrics={metrics}", *arguments)
    output = run(sys.executable, HERE / "compare_losses.py", HERE / "curves" / f"{case['model']}.jsonl", metrics,
                 f"--tolerance={TOLERANCE[case['precision']]}", "--steps=20")
    return output.strip().splitlines()[-1]


def check(options, machine, cases):
    """Lines of the report and the number of failures."""
    lines, failures = [], 0

    def attempt(name, work):
        nonlocal failures
        try:
            verdict = work()
        except Failed as failure:
            verdict, failures = f"FAILED: {failure}", failures + 1
        lines.append(f"| {name} | {verdict} |")
        print(f"{name:40} {verdict}", flush=True)

    for case in cases:
        if case["use"] != "losses":
            continue
        if case["ranks"] == 1:
            attempt(f"losses of {case['name']}", lambda: losses_of(case))
            attempt(f"losses of {case['name']}, --no-graph", lambda: losses_of(case, "--no-graph"))
        elif machine.mpirun:
            launcher = [machine.mpirun, "--allow-run-as-root", "--oversubscribe", "-n", case["ranks"]]
            attempt(f"losses of {case['name']} on one GPU", lambda: losses_of(case, "--share-gpu", launcher=launcher))
        else:
            attempt(f"losses of {case['name']}", lambda: "not run: no mpirun on this machine")
    first = next((case for case in cases if case["use"] == "losses" and case["model"] == "mnist_cnn"), None)
    if first and machine.sanitizer:
        attempt("compute-sanitizer, one step of " + first["name"],
                lambda: run(machine.sanitizer, "--error-exitcode=9", BUILD / first["name"], "--data=synthetic:64", "--steps=1",
                            "--no-graph") and "no error")
    elif first:
        attempt("compute-sanitizer", lambda: "not run: not on this machine")
    return lines, failures


def time_program(machine, case, options):
    """Milliseconds of the median step, and the peak memory in MiB."""
    metrics = BUILD / f"{case['name']}.jsonl"
    with PeakMemory(machine) as memory:
        run(BUILD / case["name"], f"--data=synthetic:{8 * case['batch']}", f"--steps={options.warmup + options.steps}", "--autotune",
            f"--metrics={metrics}")
    rates = [json.loads(line)["samples_per_second"] for line in metrics.read_text().splitlines() if '"step"' in line and '"loss"' in line]
    return 1e3 * case["batch"] / statistics.median(rates[options.warmup:]), memory.most


def time_peer(machine, case, mode, options):
    with PeakMemory(machine) as memory:
        output = run(sys.executable, HERE / "peers.py", case["model"], f"--batch={case['batch']}", f"--precision={case['precision']}",
                     f"--mode={mode}", f"--warmup={options.warmup}", f"--steps={options.steps}", timeout=1800)
    return float(output.strip().splitlines()[-1]), memory.most


def bench(options, machine, cases):
    """A table, a row for each case; runs of dtc and PyTorch alternate, the best run of each counts."""
    rows = []
    for case in cases:
        if case["use"] != "bench":
            continue
        ours, memory, peers = [], [], {mode: [] for mode in MODES}
        problem = {}
        for _ in range(options.repeats):
            try:
                step, used = time_program(machine, case, options)
                ours.append(step)
                memory.append(used)
            except Failed as failure:
                problem["dtc"] = str(failure)
            for mode in MODES if machine.torch else []:
                if mode in problem:
                    continue
                try:
                    peers[mode].append(time_peer(machine, case, mode, options))
                except Failed as failure:
                    problem[mode] = str(failure)
        best = {mode: min(runs) for mode, runs in peers.items() if runs}
        cells = [case["model"], case["precision"], str(case["batch"]), f"{min(ours):.3f}" if ours else "failed"]
        cells += [f"{best[mode][0]:.3f}" if mode in best else "-" for mode in MODES]
        if ours and best:
            fastest = min(best, key=lambda mode: best[mode][0])
            cells += [f"{best[fastest][0] / min(ours):.2f}", f"{best['eager'][0] / min(ours):.2f}" if "eager" in best else "-",
                      f"{min(memory):.0f}", f"{best[fastest][1]:.0f}", f"{min(memory) / max(best[fastest][1], 1):.2f}"]
        else:
            cells += ["-", "-", f"{min(memory):.0f}" if memory else "-", "-", "-"]
        rows.append("| " + " | ".join(cells) + " |")
        print(rows[-1], flush=True)
        for what, message in problem.items():
            print(f"  {what}: {message}", flush=True)
    return rows


HEADER = """| model | precision | batch | dtc ms | eager ms | compile ms | graphs ms | best / dtc | eager / dtc | dtc MiB | PyTorch's best MiB | ratio |
|---|---|---|---|---|---|---|---|---|---|---|---|"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nvcc", default="nvcc")
    parser.add_argument("--arch", help="GPUs to build for, such as 80,90 (default: the one that is here, else 80,90)")
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--no-bench", action="store_true")
    parser.add_argument("--only", help="cases whose name contains this")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", type=Path, default=HERE / "report.md")
    options = parser.parse_args()
    cases = [case for case in json.loads((HERE / "cases.json").read_text()) if not options.only or options.only in case["name"]]
    machine = Machine()
    if not options.arch:
        capability = machine.query("compute_cap") if machine.gpu else None
        options.arch = capability.replace(".", "") if capability else "80,90"
    BUILD.mkdir(exist_ok=True)
    start = time.time()
    try:
        build(options, cases)
    except Failed as failure:
        sys.exit(f"run.py: {failure}")
    print(f"built {len(cases)} programs for sm_{options.arch} in {time.time() - start:.0f} s", flush=True)
    if options.build_only:
        return
    if not machine.gpu:
        sys.exit("run.py: no GPU that nvidia-smi knows: the programs are built, nothing was run")
    lines, failures = check(options, machine, cases)
    rows = [] if options.no_bench else bench(options, machine, cases)
    with open(options.report, "w") as report:
        report.write(f"# {machine.gpu.split(',')[0]}, {datetime.date.today()}\n\n"
                     f"Driver and MiB: {machine.gpu}. PyTorch {machine.torch or 'absent'}. {platform.machine()}, {os.cpu_count()} CPUs.\n"
                     f"Command: `run.sh --steps={options.steps} --warmup={options.warmup} --repeats={options.repeats}`\n\n"
                     "| check | result |\n|---|---|\n" + "\n".join(lines) + "\n")
        if rows:
            report.write("\nMilliseconds of a step: the median of a run, of the best run of each.\n\n" + HEADER + "\n" + "\n".join(rows) + "\n")
    print(f"report: {options.report}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
