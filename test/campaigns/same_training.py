# Whether the programs of two builds of dtc train alike, bit for bit: `same_training.py OTHER_DTC [--dtc=DTC] [--models=a,b]`.
#
# For reshaping what is emitted: the text may differ (same_source.py), but losses, parameters and the optimizer's state after some
# steps on synthetic samples may not, nor the names in a trace. Examples under several strategies, and models of many equal layers.
# Prints a line for each program that differs or does not run; what both refuse in the same words is none. Exit status 1 if there is one.
import argparse
import filecmp
import itertools
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Whoever runs this, on however few cores.
os.environ.update({"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"})


def equal_layers(layers, block, optimizer):
    body = "".join(f"  {block.format(i=i)}\n" for i in range(layers))
    return (f"model equal(input: f32[N, 16]) -> y {{\n  x = input |> linear(32) as first |> relu\n{body}  y = x |> linear(4) as last\n}}\n"
            f"train equal {{ loss: cross_entropy   optimizer: {optimizer}   batch: 16 }}\n")


MODELS = {
    "mnist_cnn": "examples/mnist_cnn/mnist_cnn.dt",
    "cifar_convnet": "examples/cifar_convnet/cifar_convnet.dt",
    **{name: f"test/Execute/Inputs/models/{name}.dt" for name in ("mlp", "residual", "unet", "tied")},
    "perceptron": equal_layers(12, "x = x |> linear(32) as fc{i} |> relu", "sgd(lr: 0.01, momentum: 0.9)"),
    "residuals": equal_layers(8, "x = (x |> linear(32) as up{i} |> gelu |> linear(32) as down{i}) + x", "adam(lr: 1e-3)"),
}
STRATEGIES = ["", "--microbatches=4", "--strategy=data --devices=2", "--strategy=model --devices=2 --microbatches=8",
              "--strategy=model --devices=3 --microbatches=8 --schedule=gpipe", "--mesh=data:2,pipe:2 --schedule=zero-bubble",
              "--mesh=pipe:2,data:2 --recompute", "--strategy=model --devices=2 --schedule=v-half",
              "--strategy=model --devices=2 --schedule=interleaved --microbatches=8 --precision=bf16"]


class Refused(Exception):
    pass


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise Refused((done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[0])


def train(dtc, model, options, folder):
    """The files of losses and of a checkpoint, and the names in the trace of each rank."""
    os.mkdir(folder)
    path = os.path.join(ROOT, model)
    if "\n" in model:
        path = os.path.join(folder, "model.dt")
        with open(path, "w") as file:
            file.write(model)
    program = os.path.join(folder, "train")
    run(dtc, path, "--batch=16", *options.split(), "-o", program)
    with open(program + ".source/plan.json") as file:
        plan = json.load(file)
    losses, parameters, trace = (os.path.join(folder, name) for name in ("losses", "checkpoint", "trace"))
    run("mpirun", "--oversubscribe", "-n", str(plan["devices"]), program, "--data=synthetic:80", "--steps=5", "--seed=3", f"--save={parameters}",
        f"--metrics={losses}", f"--trace={trace}")
    with open(trace) as file:
        events = json.load(file)["traceEvents"]
    told = sorted((e["pid"], e["name"], e.get("cat", ""), e["args"].get("step", -1), e["args"].get("microbatch", -1),
                   e["args"].get("kind", "")) for e in events if e["ph"] == "X")
    with open(losses) as file:
        values = [(record["step"], record["loss"]) for record in map(json.loads, file) if "step" in record and "loss" in record]
    timelines = [[role["role"], role["timelines"]] for role in plan["roles"]]
    return {"losses": values, "trace": told, "timelines": timelines}, parameters


def main():
    parser = argparse.ArgumentParser(description="trains the programs of two builds of dtc")
    parser.add_argument("other")
    parser.add_argument("--dtc", default=os.path.join(ROOT, "build", "release", "bin", "dtc"))
    parser.add_argument("--models", default=",".join(MODELS))
    arguments = parser.parse_args()
    programs = refused = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, options) in enumerate(itertools.product(arguments.models.split(","), STRATEGIES)):
            results = []
            for build, dtc in (("old", arguments.other), ("new", arguments.dtc)):
                try:
                    results.append(train(dtc, MODELS[name], options, os.path.join(folder, f"{build}{number}")))
                except Refused as message:
                    results.append(str(message))
            old, new = results
            if isinstance(old, str) or isinstance(new, str):
                refused += old == new
                if old != new:
                    wrong += 1
                    print(f"{name} {options}: {old if isinstance(old, str) else 'runs'}, {new if isinstance(new, str) else 'runs'}", flush=True)
                continue
            programs += 1
            differing = [key for key in old[0] if old[0][key] != new[0][key]]
            if not filecmp.cmp(old[1], new[1], shallow=False):
                differing.append("checkpoint")
            wrong += bool(differing)
            for key in differing:
                print(f"{name} {options}: {key} differ", flush=True)
    print(f"{programs} programs, {wrong} differ; {refused} refused by both")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
