# Trains the reference models with PyTorch and stores their losses: MODEL.jsonl beside this file, a line for each step.
#
# Needs PyTorch and NumPy, for instance in a virtual environment:
#
#     python3 -m venv .venv
#     .venv/bin/pip install torch numpy
#     .venv/bin/python test/Execute/reference/make_curves.py
#
# The data is Fashion-MNIST as Debian's dataset-fashion-mnist has it, pixels divided by 255, in the order of the file.
# Step k is the loss before the k-th update. How far the losses of f64, and of f32 from parameters that are moved by 1e-7, lie
# from them says how much of the tests' tolerance rounding alone takes; a curve that rounding moves by more than 1e-5,
# which the strategies must agree to, is refused.
import gzip
import json
import pathlib
import sys

import numpy
import torch
from torch import nn
from torch.nn import functional

import initial

sys.path.append(str(pathlib.Path(__file__).parent.parent / "Inputs"))
import binary_targets

STEPS = 20
HERE = pathlib.Path(__file__).parent
DATA = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist")


def read_idx(name, header):
    with gzip.open(DATA / name) as file:
        return numpy.frombuffer(file.read(), dtype=numpy.uint8, offset=header)


IMAGES = torch.tensor(read_idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)[:STEPS * 256].astype(numpy.float32)) / 255
LABELS = torch.tensor(read_idx("train-labels-idx1-ubyte.gz", 8)[:STEPS * 256].astype(numpy.int64))
TARGETS = torch.tensor([binary_targets.targets(label) for label in LABELS.tolist()])


class MnistCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.fc1, self.fc2 = nn.Linear(1600, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, 256), nn.Linear(256, 10)

    def forward(self, x):
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


class Gelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 96), nn.Linear(96, 64), nn.Linear(64, 10)

    def forward(self, x):
        x = functional.gelu(self.fc1(x.flatten(1)))
        return self.fc3(functional.gelu(self.fc2(x), approximate="tanh"))


class BceLogits(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, 32), nn.Linear(32, 10)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 5, stride=2, padding=2)
        self.dilated = nn.Conv2d(8, 8, 3, padding=2, dilation=2)
        self.grouped = nn.Conv2d(8, 12, 3, padding=1, groups=4)
        self.pooled = nn.Conv2d(8, 4, 1, bias=False)
        self.depthwise = nn.Conv2d(24, 24, (3, 1), padding=(1, 0), groups=24)
        self.mixed = nn.Conv2d(24, 16, 3, stride=(2, 1))
        self.head = nn.Linear(240, 10)

    def forward(self, x):
        x = functional.relu(self.stem(x))
        a = functional.relu(self.dilated(x))
        b = functional.leaky_relu(self.grouped(x), 0.1)
        c = torch.tanh(self.pooled(functional.avg_pool2d(x, 3, stride=1, padding=1)))
        x = functional.max_pool2d(torch.cat([a, b, c], 1), 3, stride=2, padding=1)
        x = x + x * torch.sigmoid(self.depthwise(x))
        return self.head(functional.elu(self.mixed(x)).flatten(1))


class BatchNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 8, 5, stride=2, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = nn.Conv2d(8, 12, 3), nn.BatchNorm2d(12, eps=1e-3, momentum=0.2)
        self.fc1, self.bn3 = nn.Linear(192, 24), nn.BatchNorm1d(24)
        self.fc2 = nn.Linear(24, 10)

    def forward(self, x):
        x = functional.avg_pool2d(torch.tanh(self.bn1(self.conv1(x))), 2)
        x = torch.tanh(self.bn2(self.conv2(x)))
        return self.fc2(torch.tanh(self.bn3(self.fc1(x.flatten(1)))))


class SampleNorms(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.gn1 = nn.Conv2d(1, 12, 5, stride=2, bias=False), nn.GroupNorm(3, 12)
        self.conv2, self.in2 = nn.Conv2d(12, 8, 3), nn.InstanceNorm2d(8, eps=1e-3, affine=True)
        self.fc1, self.ln3 = nn.Linear(128, 24), nn.LayerNorm(24)
        self.fc2, self.rn4 = nn.Linear(24, 20, bias=False), nn.RMSNorm(20)
        self.fc3 = nn.Linear(20, 10)

    def forward(self, x):
        x = functional.avg_pool2d(torch.tanh(self.gn1(self.conv1(x))), 2)
        x = torch.tanh(self.in2(self.conv2(x)))
        x = torch.tanh(self.ln3(self.fc1(x.flatten(1))))
        return self.fc3(self.rn4(self.fc2(x)))


class Unit(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)

    def forward(self, x):
        return functional.relu(self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x))))) + x)


class NormResidual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(1, 8, 5, stride=2, bias=False), nn.BatchNorm2d(8)
        self.unit1, self.unit2 = Unit(), Unit()
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        return self.head(self.unit2(self.unit1(functional.relu(self.bn(self.conv(x))))).mean((2, 3)))


class Shares(nn.Module):
    """A model on shares of `rows` rows, each normalised apart; running statistics move towards the shares' weighted mean."""

    def __init__(self, model, rows):
        super().__init__()
        self.model, self.rows = model, rows

    def forward(self, x):
        norms = [m for m in self.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        momenta = [m.momentum for m in norms]
        old = [(m.running_mean.clone(), m.running_var.clone()) for m in norms]
        means = [[torch.zeros_like(mean), torch.zeros_like(var)] for mean, var in old]
        outputs = []
        for share in x.split(self.rows):
            for norm in norms:
                # Tensors of its own: backward holds on to those of the share before.
                norm.momentum, norm.running_mean, norm.running_var = 1.0, norm.running_mean.clone(), norm.running_var.clone()
            outputs.append(self.model(share))
            for norm, sums in zip(norms, means):
                for total, value in zip(sums, (norm.running_mean, norm.running_var)):
                    total += value * len(share) / len(x)
        for norm, momentum, before, new in zip(norms, momenta, old, means):
            norm.momentum = momentum
            norm.running_mean = ((1 - momentum) * before[0] + momentum * new[0]).detach()
            norm.running_var = ((1 - momentum) * before[1] + momentum * new[1]).detach()
        return torch.cat(outputs)


# The recipes of the .dt files.
CURVES = {
    "mnist_cnn": (MnistCnn, 256, lambda p: torch.optim.Adam(p, lr=1e-3)),
    "mlp": (Mlp, 64, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3)),
    "gelu": (Gelu, 64, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "bce_logits": (BceLogits, 64, lambda p: torch.optim.SGD(p, lr=0.5, momentum=0.9)),
    "branches": (Branches, 64, lambda p: torch.optim.AdamW(p, lr=2e-3, weight_decay=0.05)),
    "batch_norm": (BatchNorm, 64, lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9)),
    "sample_norms": (SampleNorms, 64, lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9)),
    "norm_residual": (NormResidual, 64, lambda p: torch.optim.SGD(p, lr=0.004)),
}
# What a loss is taken of, where it is not cross-entropy of classes.
LOSSES = {"bce_logits": (functional.binary_cross_entropy_with_logits, TARGETS)}
# How many samples an epoch of 20 steps has where the last batch is a partial one.
SAMPLES = {"batch_norm": 19 * 64 + 40, "sample_norms": 19 * 64 + 40, "norm_residual": 19 * 64 + 40}
# Curves of a model whose parameters with such a beginning are frozen.
FROZEN = {"mlp_frozen": ("mlp", "fc1.")}
# Curves of a model that normalises shares of so many rows apart, as ranks or microbatches do.
SHARES = {"batch_norm_shares": ("batch_norm", 32), "norm_residual_shares": ("norm_residual", 32)}


evaluations = {}


def train(curve, dtype, noise=0.0, generator=None):
    name, rows = SHARES.get(curve, (curve, None))
    name, frozen = FROZEN.get(name, (name, None))
    make_model, batch, make_optimizer = CURVES[name]
    samples = SAMPLES.get(name, STEPS * batch)
    model = make_model().to(dtype)
    model.load_state_dict({key: torch.tensor(values, dtype=dtype).reshape(shape)
                           for key, (shape, values) in initial.parameters(name).items()},
                          strict=name not in SAMPLES)  # PyTorch also counts batches
    with torch.no_grad():
        for parameter in model.parameters() if noise else ():
            parameter += noise * torch.randn(parameter.shape, generator=generator)
    for key, parameter in model.named_parameters():
        parameter.requires_grad_(frozen is None or not key.startswith(frozen))
    optimizer = make_optimizer([parameter for parameter in model.parameters() if parameter.requires_grad])
    losses = []
    compute = Shares(model, rows) if rows else model
    for step in range(STEPS):
        part = slice(step * batch, min((step + 1) * batch, samples))
        prediction = compute(IMAGES[part].to(dtype))
        function, labels = LOSSES.get(name, (functional.cross_entropy, LABELS))
        loss = function(prediction, labels[part] if labels is LABELS else labels[part].to(dtype))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if name in LOSSES:
        with torch.no_grad():
            prediction = model(IMAGES[samples:samples + 100].to(dtype))
        labels = TARGETS[samples:samples + 100].to(dtype)
        # The first time, in f32 from the parameters as they are.
        evaluations.setdefault(name, {"eval_loss": function(prediction, labels).item(),
                                      "eval_accuracy": ((prediction > 0) == (labels > 0.5)).double().mean().item()})
    return losses, {key: value.tolist() for key, value in model.state_dict().items() if ".running_" in key}


def difference(losses, others):
    return max(abs(a - b) / abs(b) for a, b in zip(losses, others))


torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
generator = torch.Generator().manual_seed(0)
for name in sys.argv[2:] or [*CURVES, *SHARES, *FROZEN]:
    losses, statistics = train(name, torch.float32)
    exact = difference(train(name, torch.float64)[0], losses)
    moved = max(difference(train(name, torch.float32, 1e-7, generator)[0], losses) for _ in range(5))
    print(f"{name}: {losses[0]:.6f} … {losses[-1]:.6f}; f64 differs by {exact:.1e}, moved parameters by {moved:.1e}", flush=True)
    if max(exact, moved) > 1e-5:
        sys.exit(f"{name}: rounding moves this curve too far; choose another seed")
    with open(HERE / f"{name}.jsonl", "w") as file:
        for step, loss in enumerate(losses, 1):
            file.write(json.dumps({"step": step, "loss": round(loss, 9)}) + "\n")
        if name in evaluations:  # of the next 100 samples
            file.write(json.dumps({"step": STEPS, **{key: round(value, 9) for key, value in evaluations[name].items()}}) + "\n")
    if statistics:
        with open(HERE / f"{name}.statistics.json", "w") as file:
            json.dump({key: [float(f"{value:.7g}") for value in values] for key, values in statistics.items()}, file, indent=1)
            file.write("\n")
