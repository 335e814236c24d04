#!/usr/bin/env python3
# Random ONNX graphs, many: what dtc's programs compute is what onnxruntime computes, and they train alike however they are spread.
#
#   random_graphs.py FOLDER [--first=0] [--count=3000] [--build=build/release] [--parts=outputs,interpreted,compiled,trained] [--trained=20]
#   random_graphs.py FOLDER --store    writes the outputs of the unit tests' 300 graphs beside them
#
# Python's environment must have numpy, onnx and onnxruntime. The graphs are those of test/RandomGraphs. `outputs` makes the files and runs
# onnxruntime; `interpreted` runs RandomGraphTests on them (import, strategies, recognition, in f64); `compiled` makes programs of all of them,
# many in one translation unit (test/NodeTests), and runs them; `trained` compiles some as dtc does, without a strategy and with each, and compares
# the losses of five steps. Status 1 if anything differs.
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STORED = ROOT / "test/Unit/RandomGraphs/Inputs/onnxruntime.txt"
BLOCK = 300  # graphs a program


def make_outputs(build, folder, first, count):
    """The files of graphs with onnxruntime's outputs, and a line of text a graph; of each its seed, batch and loss."""
    import numpy
    import onnx
    import onnxruntime
    from onnx import numpy_helper
    done = subprocess.run([build / "bin/dtc-random-graphs", folder, str(first), str(count)], capture_output=True, text=True, check=True)
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    lines, graphs = [], []
    for line in done.stdout.splitlines():
        seed, batch, loss = line.split()
        path = folder / f"graph_{seed}"
        model = onnx.load(path / "model.onnx")
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(path / "model.onnx", options, providers=["CPUExecutionProvider"])
        feeds = {}
        for i, value in enumerate(model.graph.input):
            tensor = onnx.TensorProto()
            tensor.ParseFromString((path / f"test_data_set_0/input_{i}.pb").read_bytes())
            feeds[value.name] = numpy_helper.to_array(tensor)
        output, = session.run(None, feeds)
        if not numpy.isfinite(output).all():
            sys.exit(f"seed {seed}: onnxruntime's outputs are not finite")
        (path / "test_data_set_0/output_0.pb").write_bytes(numpy_helper.from_array(output, model.graph.output[0].name).SerializeToString())
        lines.append(" ".join([seed] + [f"{value:.6g}" for value in output.flatten()]) + "\n")
        graphs.append((seed, int(batch), loss, feeds, output.shape[1]))
    return lines, graphs


def run_interpreted(build, folder, first, count):
    environment = dict(os.environ, DTC_RANDOM_GRAPHS=f"{first}:{count}", DTC_ONNXRUNTIME_OUTPUTS=str(folder / "onnxruntime.txt"))
    done = subprocess.run([build / "test/Unit/RandomGraphTests", "--gtest_brief=1"], capture_output=True, text=True, env=environment)
    print(done.stdout[-6000:], end="")
    return done.returncode != 0


def run_compiled(build, folder):
    """All graphs of the folder, forward, as test/NodeTests makes programs; how many of them do not agree."""
    sys.path.insert(0, str(ROOT / "test/NodeTests"))
    import run
    os.environ["PATH"] = f"{build / 'bin'}:{os.environ['PATH']}"
    out = folder / "programs"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    tests = run.generate(out, [folder], None)
    results = run.run(run.build(out, build, "c++"), out)
    bad = 0
    for name, kind, _, reason in tests:
        verdict = results.get(name, "did not run") if kind == "compiled" else f"{kind}: {reason}"
        if verdict != "passed":
            bad += 1
            print(f"{name} compiled: {verdict}", flush=True)
    shutil.rmtree(out)
    return bad


def losses_of(build, folder, model, strategy, batch, loss, data):
    program = folder / "program"
    made = subprocess.run([build / "bin/dtc", model, f"--loss={loss}", "--optimizer=sgd", "--lr=0.01", f"--batch={batch}",
                           *([f"--mesh={strategy}"] if strategy else []), "-o", program], capture_output=True, text=True)
    if made.returncode:
        return made.stderr
    ranks = eval("*".join(re.findall(r":(\d+)", strategy)) or "1")
    done = subprocess.run(["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(ranks), program, f"--data=npy:{data}", "--shuffle=off",
                           "--steps=5", f"--metrics={folder / 'metrics'}"], capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    if done.returncode:
        return done.stderr
    return [float(value) for value in re.findall(r'"loss": ?([-+.e\d]+)', (folder / "metrics").read_text())][:5]


def run_trained(build, folder, graphs):
    import numpy
    bad = 0
    for seed, batch, loss, feeds, classes in graphs:
        draws = numpy.random.default_rng(int(seed))
        files = []
        label = draws.integers(0, classes, 5 * batch) if loss == "cross-entropy" else \
            draws.integers(0, 2, (5 * batch, classes)).astype("float32") if loss == "bce-logits" else draws.normal(size=(5 * batch, classes)).astype("float32")
        for name, values in [*feeds.items(), ("label", label)]:
            path = folder / f"{name}.npy"
            numpy.save(path, values if name == "label" else numpy.concatenate([draws.permutation(values) for _ in range(5)]))
            files.append(f"{name}={path}")
        alone = None
        for strategy in ("", "data:2", "pipe:2", "tensor:2"):
            losses = losses_of(build, folder, folder / f"graph_{seed}/model.onnx", strategy, batch, loss, ",".join(files))
            if isinstance(losses, str):
                refused = "mixes the samples" in losses
                bad += not refused
                print(f"graph_{seed} {strategy or 'none'}: {'refused' if refused else losses.strip()[:400]}", flush=True)
                continue
            alone = alone or losses
            far = max((abs(a - b) / max(abs(b), 1e-3) for a, b in zip(losses, alone)), default=float("inf")) if len(losses) == 5 else float("inf")
            bad += not far <= 1e-4
            print(f"graph_{seed} {strategy or 'none'}: {far:.1e}{'' if far <= 1e-4 else '  DIFFERS'} {losses[0]:.5f} {losses[-1]:.5f}", flush=True)
    return bad


def main():
    parser = argparse.ArgumentParser(description="random graphs")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--parts", default="outputs,interpreted,compiled,trained")
    parser.add_argument("--trained", type=int, default=20, help="graphs of the first block that are trained")
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    if options.store:
        options.folder.mkdir(parents=True, exist_ok=True)
        lines, _ = make_outputs(options.build, options.folder, 0, 300)
        STORED.write_text("".join(lines))
        return 0
    parts, bad = options.parts.split(","), 0
    for first in range(options.first, options.first + options.count, BLOCK):
        count = min(BLOCK, options.first + options.count - first)
        folder = options.folder / f"from_{first}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        lines, graphs = make_outputs(options.build, folder, first, count)
        (folder / "onnxruntime.txt").write_text("".join(lines))
        if "interpreted" in parts:
            bad += run_interpreted(options.build, folder, first, count)
        if "compiled" in parts:
            bad += run_compiled(options.build, folder)
        if "trained" in parts and first == options.first:
            bad += run_trained(options.build, folder, graphs[:options.trained])
        print(f"{first + count - options.first} graphs, {bad} bad", flush=True)
        shutil.rmtree(folder)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
