"""Step times and bubbles of two-stage pipelines: measured, simulated after --calibrate, and in closed form.

Each model is measured op by op (dtc --calibrate), compiled for two stages with one thread each, and run with --trace.
A measured step lasts from the first fragment that begins on any rank to the end of the last rank's step; its bubble is
1 - busy / (ranks * step), busy being the time in fragments. The closed form (p - 1) / (m + p - 1) is for stages of equal
length, which `equal` has: a perceptron of equal layers, cut in the middle.
"""
import argparse
import collections
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STAGES = 2
EQUAL = """model equal(x: f32[N, 768]) -> y {
  h = x |> linear(768) as fc1 |> relu |> linear(768) as fc2 |> relu |> linear(768) as fc3 |> relu
  h = h |> linear(768) as fc4 |> relu |> linear(768) as fc5 |> relu |> linear(768) as fc6 |> relu
  y = h |> linear(768) as fc7 |> relu |> linear(768) as fc8
}
train equal { loss: mse   optimizer: sgd(lr: 0.01)   batch: 512 }
"""
# Name: the model file (None: the text above), and what else dtc is told.
MODELS = {"equal": (None, ["--cut-after=relu_4"]),
          "mnist_cnn": ("mnist_cnn", []),
          "cifar_convnet": ("cifar_convnet", []),
          "mlp": ("mlp", ["--batch=256"])}
ENVIRONMENT = {"DTCRT_THREADS": "1", "OMP_NUM_THREADS": "1"}


def busy_seconds():
    """Of all cores since the start of the machine."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_alone(command, tries, most=0.1):
    """Runs the command again until others take less than a tenth of one core beside it; the share of its last run."""
    for _ in range(tries):
        start, busy, own = time.monotonic(), busy_seconds(), own_seconds()
        run(command)
        others = (busy_seconds() - busy - (own_seconds() - own)) / (time.monotonic() - start)
        if others < most:
            break
        time.sleep(1)
    return others


def run(command):
    """Standard error of a command; its own messages if it fails."""
    done = subprocess.run([str(word) for word in command], env=os.environ | ENVIRONMENT, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"predicted: {' '.join(map(str, command))} failed:\n{done.stderr}{done.stdout}")
    return done.stderr


def read_steps(path, warm_up):
    """Seconds and bubble of each step of a trace."""
    trace = json.loads(path.read_text())
    ranks = len(trace["otherData"]["ranks"])
    steps = collections.defaultdict(list)
    for event in trace["traceEvents"]:
        if event.get("ph") == "X" and event["args"].get("step", 0) > warm_up:
            steps[event["args"]["step"]].append(event)
    result = []
    for events in steps.values():
        fragments = [event for event in events if event["cat"] == "fragment"]
        whole = [event for event in events if event["cat"] == "step"]
        seconds = (max(event["ts"] + event["dur"] for event in whole) - min(event["ts"] for event in fragments)) * 1e-6
        busy = sum(event["args"]["busy_us"] for event in whole) * 1e-6
        result.append((seconds, 1 - busy / (ranks * seconds)))
    return result


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.machine = folder / "machine.yaml"
        self.clusters = {}
        self.others = 0  # cores that others used while we measured

    def dtc(self, *words):
        return run([self.options.dtc, *words])

    def calibrate(self, *words):
        others = run_alone([self.options.dtc, "--calibrate", *words], self.options.tries)
        self.others = max(self.others, others)

    def source(self, model):
        file, extra = MODELS[model]
        path = self.folder / f"{model}.dt"
        path.write_text(EQUAL if file is None else (ROOT / f"examples/{file}/{file}.dt").read_text())
        return [path, "--strategy=model", f"--devices={STAGES}", *extra]

    def cluster(self, model, microbatches):
        """The machine with the ops of the model. Twice: the times may move the cut, and with it what is fused."""
        known = self.clusters.get((model, microbatches))
        if known:
            return known
        if not self.machine.exists():
            self.calibrate("-o", self.machine)
        cluster = self.machine
        schedules = sorted({"zero-bubble" if schedule == "zero-bubble" else "1f1b" for schedule in self.options.schedules})
        for number, schedule in enumerate([schedules[0], *schedules]):
            following = self.folder / f"{model}_{microbatches}_{number}.yaml"
            self.calibrate(*self.source(model), f"--microbatches={microbatches}", f"--schedule={schedule}",
                     f"--cluster={cluster}", "-o", following)
            cluster = following
        self.clusters[model, microbatches] = cluster
        return cluster

    def case(self, model, schedule, microbatches):
        cluster = self.cluster(model, microbatches)
        program = self.folder / f"{model}_{schedule}_{microbatches}"
        words = [*self.source(model), f"--microbatches={microbatches}", f"--schedule={schedule}", f"--cluster={cluster}"]
        said = self.dtc(*words, f"--explain={program}.svg", "-o", program)
        predicted = re.search(r"predicted +step ([0-9.]+) ms, bubble ([0-9.]+) %", said)
        if not predicted:
            sys.exit(f"predicted: dtc did not say a step time, but:\n{said}")
        runs = []
        for _ in range(self.options.repeats):
            trace = self.folder / "trace.json"
            words = ["mpirun", "-n", STAGES, program, "--data=synthetic",
                     f"--steps={self.options.steps + self.options.warmup}", f"--trace={trace}"]
            self.others = max(self.others, run_alone(words, self.options.tries))
            steps = read_steps(trace, self.options.warmup)
            runs.append((statistics.median(step[0] for step in steps), statistics.median(step[1] for step in steps)))
        # The run of the median: what others do on the machine makes whole runs slower.
        measured, bubble = sorted(runs)[len(runs) // 2]
        return {"model": model, "schedule": schedule, "microbatches": microbatches, "measured_ms": measured * 1e3,
                "predicted_ms": float(predicted[1]), "measured_bubble": bubble, "predicted_bubble": float(predicted[2]) / 100,
                "closed_form": (STAGES - 1) / (microbatches + STAGES - 1),
                "runs_ms": [round(seconds * 1e3, 3) for seconds, _ in runs]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtc", type=Path, default=ROOT / "build/release/bin/dtc", help="the compiler")
    parser.add_argument("--models", default=",".join(MODELS), help="some of " + ", ".join(MODELS))
    parser.add_argument("--schedules", default="gpipe,1f1b,zero-bubble")
    parser.add_argument("--microbatches", default="2,4,8")
    parser.add_argument("--steps", type=int, default=60, help="that count, in each run")
    parser.add_argument("--warmup", type=int, default=10, help="steps before them")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each program; the median is reported")
    parser.add_argument("--tries", type=int, default=5, help="of each measurement while others use the machine")
    parser.add_argument("--json", type=Path, help="where the results go, one object a line")
    options = parser.parse_args()
    options.schedules = options.schedules.split(",")
    rows = []
    print(f"{'model':14} {'schedule':12} {'m':>2} {'measured':>10} {'predicted':>10} {'ratio':>6}   "
          f"{'bubble measured':>15} {'predicted':>9} {'(p-1)/(m+p-1)':>13}")
    with tempfile.TemporaryDirectory(prefix="dtc-predicted") as folder:
        bench = Bench(options, Path(folder))
        for model in options.models.split(","):
            for microbatches in map(int, options.microbatches.split(",")):
                for schedule in options.schedules:
                    row = bench.case(model, schedule, microbatches)
                    rows.append(row)
                    print(f"{model:14} {schedule:12} {microbatches:2} {row['measured_ms']:7.3f} ms {row['predicted_ms']:7.3f} ms "
                          f"{row['predicted_ms'] / row['measured_ms']:6.2f}   {row['measured_bubble']:14.1%}  "
                          f"{row['predicted_bubble']:8.1%} {row['closed_form']:13.1%}", flush=True)
        print(f"others used up to {bench.others:.2f} cores meanwhile" +
              ("; too much for these numbers to mean anything" if bench.others > 0.25 else ""))
    if options.json:
        options.json.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
