"""Step time and peak memory of exported models beside PyTorch, in interleaved runs on one rank: `exported.py [MODEL …]`.

Each model is made and exported by PyTorch, compiled by dtc, and both train it with SGD on random data in memory, with two threads (PyTorch
with the better of one and two, eager or torch.compile, chosen before the measurement). Python needs torch, torchvision, transformers and onnxscript.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RATE = 1e-3


def gpt2():
    """GPT-2 small on 4 × 256 tokens, every one of which is predicted."""
    import torch
    import transformers

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            config = transformers.GPT2Config(resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, use_cache=False)
            self.model = transformers.GPT2LMHeadModel(config)

        def forward(self, tokens):
            return self.model(input_ids=tokens).logits

    return Logits(), (4, 256), 50257, 50257, "dynamo"


def encoder():
    """Six layers of 256 on 16 × 128 tokens, and a class for each sequence."""
    import torch
    nn = torch.nn

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.places = nn.Embedding(10000, 256), nn.Parameter(torch.randn(128, 256) * 0.02)
            layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, activation="gelu", batch_first=True)
            self.layers, self.head = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False), nn.Linear(256, 10)

        def forward(self, tokens):
            return self.head(self.layers(self.words(tokens) + self.places).mean(1))

    return Encoder(), (16, 128), 10000, 10, "torchscript"


def vit():
    """ViT-tiny (192 wide, 12 layers) on 8 images of 224 × 224."""
    import torchvision
    return torchvision.models.VisionTransformer(224, 16, 12, 3, 192, 768, num_classes=10), (8, 3, 224, 224), None, 10, "torchscript"


def lstm():
    """Two layers of 256 on 32 × 64 tokens."""
    import torch
    nn = torch.nn

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.layers, self.head = nn.Embedding(10000, 128), nn.LSTM(128, 256, 2, batch_first=True), nn.Linear(256, 10)

        def forward(self, tokens):
            return self.head(self.layers(self.words(tokens))[0][:, -1])

    return Recurrent(), (32, 64), 10000, 10, "torchscript"


MODELS = {"gpt2": gpt2, "encoder": encoder, "vit": vit, "lstm": lstm}


def make(name):
    import torch
    torch.manual_seed(0)
    model, shape, words, classes, way = MODELS[name]()
    model.train()
    x = torch.randint(words, shape) if words else torch.randn(shape)
    labels = torch.randint(classes, model(x).shape[:-1])
    return model, x, labels, way


def export(name, folder):
    import numpy
    import torch
    model, x, labels, way = make(name)
    path = str(folder / f"{name}.onnx")
    names = dict(input_names=["input"], output_names=["output"])
    if way == "dynamo":
        torch.onnx.export(model.eval(), (x,), path, dynamo=True, dynamic_shapes=({0: torch.export.Dim("N")},), external_data=False, verbose=False, **names)
    else:
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=17, do_constant_folding=False, training=torch.onnx.TrainingMode.TRAINING,
                          dynamic_axes={"input": {0: "N"}, "output": {0: "N"}}, **names)
    for what, values in (("input", x), ("label", labels)):
        numpy.save(folder / f"{name}.{what}.npy", values.repeat(8, *[1] * (values.dim() - 1)).numpy())
    print(json.dumps(len(x)))


def torch_steps(name, threads, compiled, warmup, steps):
    import torch
    torch.set_num_threads(threads)
    model, x, labels, _ = make(name)
    if compiled:
        model = torch.compile(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, fused=True)
    times = []
    for _ in range(warmup + steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        output = model(x)
        loss = torch.nn.functional.cross_entropy(output.reshape(-1, output.shape[-1]), labels.reshape(-1))
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(1e3 * (time.perf_counter() - start))
    print(json.dumps([times[warmup:], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder

    def python(self, *words):
        done = subprocess.run([sys.executable, __file__, *map(str, words)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        return json.loads(done.stdout.strip().splitlines()[-1])

    def theirs(self, name, threads, compiled):
        return self.python("--torch", name, threads, int(compiled), self.options.warmup, self.options.steps)

    def ours(self, name, batch):
        metrics = self.folder / "metrics.jsonl"
        steps = self.options.warmup + self.options.steps
        program = subprocess.Popen([self.folder / name, f"--data=npy:input={self.folder / name}.input.npy,label={self.folder / name}.label.npy",
                                    "--shuffle=off", f"--steps={steps}", f"--metrics={metrics}"], env=os.environ | {"DTCRT_THREADS": "2"},
                                   stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(program.pid, 0)
        if status:
            raise RuntimeError(f"{name} failed")
        rates = [line["samples_per_second"] for line in map(json.loads, metrics.read_text().splitlines()) if "samples_per_second" in line]
        return [1e3 * batch / rate for rate in rates[self.options.warmup:]], usage.ru_maxrss / 1024

    def compare(self, name):
        batch = self.python("--export", name, self.folder)
        start = time.perf_counter()
        subprocess.run([self.options.dtc, self.folder / f"{name}.onnx", "--loss=cross-entropy", "--optimizer=sgd", f"--lr={RATE}", f"--batch={batch}", "-o",
                        self.folder / name], check=True, capture_output=True)
        seconds = time.perf_counter() - start
        candidates = {}
        for threads in (1, 2):
            for compiled in (False, True) if self.options.compile else (False,):
                try:
                    candidates[threads, compiled] = statistics.median(self.theirs(name, threads, compiled)[0])
                except RuntimeError as error:
                    print(f"{name}: PyTorch with {threads} threads{', torch.compile' * compiled}: {error}", file=sys.stderr)
        best = min(candidates, key=candidates.get)
        ours, theirs, memory = [], [], [0.0, 0.0]
        for _ in range(self.options.rounds):
            for times, measured, side in ((ours, self.ours(name, batch), 0), (theirs, self.theirs(name, *best), 1)):
                times += measured[0]
                memory[side] = max(memory[side], measured[1])
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"| {name} | {a:.1f} | {b:.1f} | {b / a:.2f} | {memory[0]:.0f} | {memory[1]:.0f} | {best[0]} threads{', torch.compile' * best[1]} | "
              f"{seconds:.1f} |", flush=True)


def main():
    if sys.argv[1:2] == ["--torch"]:
        return torch_steps(sys.argv[2], *map(int, sys.argv[3:]))
    if sys.argv[1:2] == ["--export"]:
        return export(sys.argv[2], Path(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help=f"which models ({', '.join(MODELS)})")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved runs of each (3)")
    parser.add_argument("--steps", type=int, default=10, help="measured steps of a run (10)")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them (3)")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="leave torch.compile out")
    parser.add_argument("--dtc", type=Path, default=ROOT / "build" / "release" / "bin" / "dtc")
    options = parser.parse_args()
    if unknown := set(options.models) - set(MODELS):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    print("| model | dtc, ms | PyTorch, ms | PyTorch / dtc | dtc, MB | PyTorch, MB | PyTorch's best | dtc to the binary, s |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        for name in options.models or MODELS:
            bench.compare(name)


if __name__ == "__main__":
    main()
