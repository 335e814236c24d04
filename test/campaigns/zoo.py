#!/usr/bin/env python3
# Models as people export them: 21 families by PyTorch's three ways, each imported, compiled, trained and compared with PyTorch's own curve.
#
#   zoo.py FOLDER [--models=resnet18,bert] [--ways=ts_train,dynamo] [--strategies="none;data:2;data:2,pipe:2"] [--steps=20] [--dtc=PATH]
#
# Python's environment must have torch, torchvision, onnx, onnxscript and transformers. Files, data and PyTorch's curves are made in FOLDER
# once and used again: what lies there already needs none of these packages. Dropout has ratio 0 in them, since no two frameworks draw the
# same numbers. Both train with SGD from the same weights on the same samples; a row is the largest relative difference of a loss to
# PyTorch's in f64 (`none`), or to the losses of `none`.
# Batch normalisation over few values amplifies roundings: behind it stands how far PyTorch's own f32 is from its f64.
# Status 1 if a file is refused, a program fails, or a difference is above 2e-4 and four times PyTorch's own (`none`), or above 1e-5 and a
# tenth of PyTorch's own (strategies).
import argparse
import json
import os
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WAYS = ("ts_eval", "ts_train", "dynamo")
BATCH = 4
FAMILIES = {}


def family(function):
    FAMILIES[function.__name__] = function
    return function


def images(size=64):
    import torch
    return torch.randn(BATCH, 3, size, size)


def vision(name):
    def make():
        import torchvision.models as models
        return getattr(models, name)(weights=None, num_classes=10), images()
    return make


for name in ("resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "squeezenet1_1",
             "densenet121", "vgg11", "shufflenet_v2_x0_5", "regnet_y_400mf"):
    FAMILIES[name] = vision(name)


@family
def vit():
    import torchvision.models as models
    return models.VisionTransformer(image_size=64, patch_size=16, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64, num_classes=10), images()


@family
def swin():
    import torchvision.models as models
    return models.SwinTransformer(patch_size=[4, 4], embed_dim=16, depths=[2, 2], num_heads=[1, 2], window_size=[4, 4], num_classes=10), images()


LARGE = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, intermediate_size=64, max_position_embeddings=32)
TINY = dict(vocab_size=24, hidden_size=8, num_hidden_layers=1, intermediate_size=16, max_position_embeddings=8)


def text(kind, size=LARGE, tokens=16):
    def make():
        import torch
        import transformers as T

        class Logits(torch.nn.Module):
            def __init__(self, model):
                super().__init__()
                self.model = model

            def forward(self, ids):
                return self.model(input_ids=ids).logits

        if kind == "bert":
            model = T.BertForSequenceClassification(T.BertConfig(num_attention_heads=2, num_labels=4, **size))
        elif kind == "distilbert":
            model = T.DistilBertForSequenceClassification(T.DistilBertConfig(
                vocab_size=size["vocab_size"], dim=size["hidden_size"], n_layers=size["num_hidden_layers"], n_heads=2,
                hidden_dim=size["intermediate_size"], max_position_embeddings=size["max_position_embeddings"], num_labels=4))
        else:
            config = T.GPT2Config(vocab_size=size["vocab_size"], n_positions=size["max_position_embeddings"], n_embd=size["hidden_size"],
                                  n_layer=size["num_hidden_layers"], n_head=2) if kind == "gpt2" else \
                {"llama": T.LlamaConfig, "qwen2": T.Qwen2Config}[kind](num_attention_heads=4, num_key_value_heads=2, **size)
            config.use_cache = False
            model = {"gpt2": T.GPT2LMHeadModel, "llama": T.LlamaForCausalLM, "qwen2": T.Qwen2ForCausalLM}[kind](config)
        return Logits(model), torch.randint(0, size["vocab_size"], (BATCH, tokens))
    return make


for name in ("bert", "distilbert", "gpt2", "llama", "qwen2"):
    FAMILIES[name] = text(name)


def recurrent(kind, words=50, width=16, hidden=24, layers=2, tokens=12):
    def make():
        import torch

        class Recurrent(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.embedding, self.head = torch.nn.Embedding(words, width), torch.nn.Linear(hidden, 5)
                self.layers = getattr(torch.nn, kind)(width, hidden, layers, batch_first=True)

            def forward(self, tokens):
                return self.head(self.layers(self.embedding(tokens))[0][:, -1])

        return Recurrent(), torch.randint(0, words, (BATCH, tokens))
    return make


FAMILIES["lstm"], FAMILIES["gru"] = recurrent("LSTM"), recurrent("GRU")


@family
def unet():
    import torch
    nn = torch.nn

    class UNet(nn.Module):
        """Group and batch normalisation, a transposed convolution, a skip."""

        def __init__(self):
            super().__init__()
            self.a = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU())
            self.down, self.b = nn.Conv2d(8, 16, 3, 2, 1), nn.Sequential(nn.BatchNorm2d(16), nn.ReLU())
            self.up, self.out = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 4, 1)

        def forward(self, x):
            a = self.a(x)
            # Classes last, as the loss has them.
            return self.out(torch.cat([a, self.up(self.b(self.down(a)))], 1)).permute(0, 2, 3, 1)

    return UNet(), images(32)


@family
def dropout():
    import torch
    nn = torch.nn
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.3), nn.LayerNorm(64), nn.Linear(64, 5)), torch.randn(BATCH, 20)


# Small enough to be kept with the tests: test/Execute/Inputs/exported, which --models=tiny_... makes.
TINY_FAMILIES = {
    "tiny_bert": text("bert", TINY, 6), "tiny_llama": text("llama", TINY, 6), "tiny_lstm": recurrent("LSTM", 12, 6, 5, 1, 4),
    "tiny_gru": recurrent("GRU", 12, 6, 5, 1, 4),
}


def tiny(function):
    TINY_FAMILIES["tiny_" + function.__name__] = function
    return function


@tiny
def vision_transformer():
    import torchvision.models as models
    return models.VisionTransformer(image_size=8, patch_size=4, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=4), images(8)


@tiny
def mobile():
    """Depthwise, squeezed and excited, hard functions, batch normalisation, resized."""
    import torch
    import torchvision.ops as ops
    nn = torch.nn

    class Mobile(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
            self.depth = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
            self.excite = ops.SqueezeExcitation(8, 4, scale_activation=nn.Hardsigmoid)
            self.up, self.norm, self.head = nn.ConvTranspose2d(8, 6, 2, 2), nn.GroupNorm(2, 6), nn.Linear(6, 4)

        def forward(self, x):
            x = self.stem(x)
            x = self.norm(self.up(x + self.excite(self.depth(x))))
            x = nn.functional.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
            return self.head(nn.functional.gelu(x).mean((2, 3)))

    return Mobile(), images(8)


def without_dropout(model):
    """Ratios of 0 everywhere, also of what drops whole samples, and of attention."""
    import torch
    for module in model.modules():
        for name in ("p", "dropout", "attention_dropout", "attn_dropout", "resid_dropout", "dropout_prob"):
            value = getattr(module, name, None)
            if isinstance(value, float):
                setattr(module, name, 0.0)
        if type(module).__name__ == "StochasticDepth":
            module.p = 0.0
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    return model


def make(name):
    import torch
    torch.manual_seed(0)
    model, example = (FAMILIES | TINY_FAMILIES)[name]()
    return without_dropout(model), example


def export(name, way, path):
    import torch
    model, example = make(name)
    model.train() if way == "ts_train" else model.eval()
    names = dict(input_names=["input"], output_names=["output"])
    if way == "dynamo":
        torch.onnx.export(model, (example,), path, dynamo=True, dynamic_shapes=({0: torch.export.Dim("N")},), external_data=False, verbose=False,
                          **names)
    else:
        train = way == "ts_train"
        torch.onnx.export(model, (example,), path, dynamo=False, opset_version=17, do_constant_folding=not train,
                          training=torch.onnx.TrainingMode.TRAINING if train else torch.onnx.TrainingMode.EVAL,
                          dynamic_axes={"input": {0: "N"}, "output": {0: "N"}}, **names)


def without_traces(path):
    """Which modules nodes come from and what initializers are stays; where their source lay on somebody's disk goes."""
    import onnx
    model = onnx.load(path)
    for owner in [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        owner.doc_string = ""
        kept = [entry for entry in owner.metadata_props if entry.key == "pkg.torch.onnx.name_scopes" or ".InputSpec." in entry.key]
        del owner.metadata_props[:]
        owner.metadata_props.extend(kept)
    onnx.save(model, path)


def data_and_curves(name, folder, steps, rate):
    """The samples of all steps and PyTorch's losses on them in f64 and in f32, made once."""
    curves, inputs, labels = (os.path.join(folder, f"{name}.{what}") for what in ("curves.json", "input.npy", "label.npy"))
    if not os.path.exists(curves):
        import numpy
        import torch
        model, example = make(name)
        model.train()
        torch.manual_seed(1)
        count = steps * BATCH
        x = torch.randint(0, int(example.max()) + 1, (count, *example.shape[1:])) if example.dtype == torch.int64 else \
            torch.randn(count, *example.shape[1:])
        shape = model(x[:BATCH]).shape
        y = torch.randint(0, shape[-1], (count, *shape[1:-1]))
        numpy.save(inputs, x.numpy())
        numpy.save(labels, y.numpy())
        made = []
        for dtype in (torch.float64, torch.float32):
            model, _ = make(name)
            model.train().to(dtype)
            optimizer = torch.optim.SGD(model.parameters(), lr=rate)
            losses = []
            for step in range(steps):
                at = slice(step * BATCH, (step + 1) * BATCH)
                optimizer.zero_grad()
                output = model(x[at] if x.dtype == torch.int64 else x[at].to(dtype))
                loss = torch.nn.functional.cross_entropy(output.reshape(-1, output.shape[-1]), y[at].reshape(-1))
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            made.append(losses)
        with open(curves, "w") as file:
            json.dump(made, file)
    with open(curves) as file:
        return *json.load(file), inputs, labels


def strategy_options(strategy):
    if strategy == "none":
        return []
    options = strategy.split("/")
    return [f"--mesh={options[0]}"] + [f"--{option}" for option in options[1:]]


def ranks_of(strategy):
    ranks = 1
    if strategy != "none":
        for axis in strategy.split("/")[0].split(","):
            ranks *= int(axis.split(":")[1])
    return ranks


def train(dtc, model, strategy, inputs, labels, steps, rate, folder):
    """Losses, or one line that says why there are none."""
    program, metrics = os.path.join(folder, "program"), os.path.join(folder, "metrics.jsonl")
    if os.path.exists(metrics):
        os.remove(metrics)
    compiled = subprocess.run([dtc, model, "--loss=cross-entropy", "--optimizer=sgd", f"--lr={rate}", f"--batch={BATCH}",
                               *strategy_options(strategy), "-o", program], capture_output=True, text=True)
    if compiled.returncode:
        return f"dtc: {(compiled.stderr.strip().splitlines() or ['?'])[-1] if 'error' not in compiled.stderr else [l for l in compiled.stderr.splitlines() if 'error' in l][0]}"
    run = subprocess.run(["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(ranks_of(strategy)), program,
                          f"--data=npy:input={inputs},label={labels}", "--shuffle=off", f"--steps={steps}", f"--metrics={metrics}"],
                         capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    if run.returncode:
        return f"program: {(run.stderr.strip().splitlines() or ['?'])[0]}"
    with open(metrics) as file:
        return [entry["loss"] for entry in map(json.loads, file) if "loss" in entry]


def difference(losses, expected):
    if len(losses) < len(expected):
        return float("inf")
    return max((abs(a - b) / max(abs(b), 1e-3) for a, b in zip(losses, expected)), default=float("inf"))


def main():
    parser = argparse.ArgumentParser(description="models as people export them")
    parser.add_argument("folder")
    parser.add_argument("--models", default=",".join(FAMILIES))
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--strategies", default="none")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--dtc", default=os.path.join(ROOT, "build", "release", "bin", "dtc"))
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    bad, total = 0, 0
    strategies = arguments.strategies.split(";")
    for name in arguments.models.split(","):
        for way in arguments.ways.split(","):
            path = os.path.join(arguments.folder, f"{name}-{way}.onnx")
            if not os.path.exists(path):
                try:
                    export(name, way, path)
                    if name in TINY_FAMILIES:
                        without_traces(path)
                except Exception as error:
                    print(f"{name:20} {way:9} the exporter refuses: {str(error).strip().splitlines()[0][:120]}", flush=True)
                    continue
            exact, rounded, inputs, labels = data_and_curves(name, arguments.folder, arguments.steps, arguments.lr)
            own = difference(rounded, exact)
            alone = None
            for strategy in strategies:
                total += 1
                losses = train(arguments.dtc, path, strategy, inputs, labels, arguments.steps, arguments.lr, arguments.folder)
                if isinstance(losses, str):
                    verdict = losses
                    bad += 1
                else:
                    if strategy == "none":
                        alone = losses
                    beside = alone if alone and strategy != "none" else exact
                    far = difference(losses, beside)
                    isBad = not far <= (max(2e-4, 4 * own) if beside is exact else max(1e-5, own / 10))
                    bad += isBad
                    verdict = f"{far:.1e} ({own:.1e}){'  DIFFERS' if isBad else ''}"
                print(f"{name:20} {way:9} {strategy:24} {verdict[:240]}", flush=True)
    print(f"{total} programs, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
