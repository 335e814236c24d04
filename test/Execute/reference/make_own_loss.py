# Exports small models that bring their own loss with PyTorch, trains them with PyTorch, and stores models, data and losses in
# ../Inputs/own_loss. As make_curves.py, in f32 and compared with f64:
#
#     .venv/bin/python test/Execute/reference/make_own_loss.py
#
# What labels count differs between the halves of a batch, and the last batch of an epoch is a partial one.
import copy
import json
import pathlib

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional

SAMPLES, BATCH, EPOCHS, IGNORED = 60, 8, 2, -100
FOLDER = pathlib.Path(__file__).parent.parent / "Inputs" / "own_loss"


class TiedTokens(nn.Module):
    """A language model as Hugging Face writes them: loss and logits, the embedding tied to the head."""

    def __init__(self):
        super().__init__()
        self.embed, self.up, self.head = nn.Embedding(30, 12), nn.Parameter(torch.randn(12, 12) / 4), nn.Linear(12, 30, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids, labels):
        logits = self.head(torch.tanh(self.embed(ids) @ self.up))
        return functional.cross_entropy(logits.view(-1, 30), labels.view(-1)), logits


class Weighted(nn.Module):
    """Scores [N, classes, positions] against class ids that count by their classes."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.scores = nn.Conv1d(3, 4, 3, padding=1)
        self.criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.25, 3.0, 0.5]), reduction=reduction)

    def forward(self, x, labels):
        return self.criterion(self.scores(x), labels)


class Likelihood(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.head = nn.Linear(6, 8), nn.Linear(8, 4)

    def forward(self, x, labels):
        return functional.nll_loss(functional.log_softmax(self.head(torch.relu(self.up(x))), -1), labels)


class Means(nn.Module):
    def __init__(self, loss):
        super().__init__()
        self.up, self.head, self.loss = nn.Linear(6, 8), nn.Linear(8, 3), loss

    def forward(self, x, target):
        return self.loss(self.head(torch.tanh(self.up(x))), target)


def some_ignored(labels):
    """All of a part of the samples, and single ones."""
    labels[torch.arange(len(labels)) % BATCH >= BATCH - 3, 1:] = IGNORED
    labels[3, 0] = IGNORED
    return labels


def draw(name):
    if name == "tied_tokens":
        ids = torch.randint(0, 30, (SAMPLES, 6))
        return {"ids": ids, "labels": some_ignored((ids * 7 + 3) % 30)}
    if name.startswith("weighted"):
        x = torch.randn(SAMPLES, 3, 5)
        return {"x": x, "labels": some_ignored((x.sum(1) * 2).long().clamp(-1, 2) + 1)}
    x = torch.randn(SAMPLES, 6)
    if name == "likelihood":
        return {"x": x, "labels": (x[:, :4] - x[:, 2:]).argmax(-1)}
    if name.startswith("entropies"):
        return {"x": x, "target": (x[:, :3] > x[:, 3:]).float() * 0.9 + 0.05}
    return {"x": x, "target": torch.sin(x[:, :3] + x[:, 3:])}


# The model, and whether the newer exporter writes it.
MODELS = {
    "tied_tokens": (TiedTokens, False),
    "weighted": (Weighted, False),
    "weighted_sum": (lambda: Weighted("sum"), False),
    "likelihood": (Likelihood, True),
    "squares": (lambda: Means(functional.mse_loss), False),
    "squares_by_hand": (lambda: Means(lambda y, t: (t - y).pow(2).mean(1).mean()), True),
    "entropies": (lambda: Means(functional.binary_cross_entropy_with_logits), False),
    "entropies_of_logits": (lambda: Means(functional.binary_cross_entropy_with_logits), True),
    "entropies_of_probabilities": (lambda: Means(lambda y, t: functional.binary_cross_entropy(torch.sigmoid(y), t)), True),
}


def train(model, data, dtype):
    model = copy.deepcopy(model).to(dtype)
    data = [array.to(dtype) if array.is_floating_point() else array for array in data.values()]
    optimizer = torch.optim.SGD([p for p in model.parameters()], lr=0.05, momentum=0.9)
    losses = []
    for _ in range(EPOCHS):
        for begin in range(0, SAMPLES, BATCH):
            output = model(*(array[begin:begin + BATCH] for array in data))
            loss = output[0] if isinstance(output, tuple) else output
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


torch.set_num_threads(1)
FOLDER.mkdir(exist_ok=True)
for seed, (name, (make, dynamo)) in enumerate(MODELS.items()):
    torch.manual_seed(seed)
    model, data = make(), draw(name)
    if name.startswith("weighted"):
        # A sum over a batch moves by more than a mean.
        for parameter in model.parameters():
            parameter.data *= 0.1
    outputs = ["loss", "logits"] if name == "tied_tokens" else ["loss"]
    example = tuple(array[:BATCH] for array in data.values())
    dynamic = {"dynamic_axes": {key: {0: "N"} for key in [*data, *outputs[1:]]}}
    if dynamo:
        dynamic = {"dynamic_shapes": [{0: torch.export.Dim("N")}] * len(data), "external_data": False}
    torch.onnx.export(model, example, FOLDER / f"{name}.onnx", input_names=list(data), output_names=outputs, dynamo=dynamo,
                      opset_version=18, **dynamic)
    exported = onnx.load(FOLDER / f"{name}.onnx")
    for node in exported.graph.node:
        # Paths of the machine.
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.save(exported, FOLDER / f"{name}.onnx")
    for key, array in data.items():
        np.save(FOLDER / f"{name}.{'label' if key in ('labels', 'target') else key}.npy", array.numpy())
    losses, exact = train(model, data, torch.float32), train(model, data, torch.float64)
    print(f"{name}: {losses[0]:.6f} … {losses[-1]:.6f}; f64 differs by {max(abs(a - b) / abs(b) for a, b in zip(losses, exact)):.1e}")
    with open(FOLDER / f"{name}.jsonl", "w") as file:
        for step, loss in enumerate(losses, 1):
            file.write(json.dumps({"step": step, "loss": round(loss, 9)}) + "\n")
