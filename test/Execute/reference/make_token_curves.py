# Trains token_losses.dt's model with PyTorch and stores its losses, and those of the test samples behind the last step, beside this file:
# token_losses_NAME.jsonl for each way to count labels or to group parameters. As make_curves.py, in f32 and compared with f64:
#
#     .venv/bin/python test/Execute/reference/make_token_curves.py
import json
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional

import initial

sys.path.append(str(pathlib.Path(__file__).parent.parent / "Inputs"))
import token_labels

STEPS, BATCH = 19, 16
HERE = pathlib.Path(__file__).parent
WEIGHTS = torch.tensor(token_labels.WEIGHTS)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.up, self.head = nn.Embedding(20, 8), nn.Linear(8, 16), nn.Linear(16, 12)

    def forward(self, ids):
        return self.head(functional.gelu(self.up(self.table(ids))))


def all_alike(model):
    return [{"params": list(model.parameters())}]


def groups(model):
    """--lr-scale='table.*:0.1' --no-decay='*.bias' --no-decay=table.weight"""
    return [{"params": [model.table.weight], "lr": 1e-3, "weight_decay": 0.0},
            {"params": [model.up.weight, model.head.weight]},
            {"params": [model.up.bias, model.head.bias], "weight_decay": 0.0}]


# Arguments of the loss, parameter groups.
CURVES = {
    "ignored": ({}, all_alike),
    "all": ({"label_smoothing": 0.1, "weight": WEIGHTS}, all_alike),
    "groups": ({}, groups),
}


def train(name, dtype):
    settings, grouped = CURVES[name]
    settings = {key: value.to(dtype) if torch.is_tensor(value) else value for key, value in settings.items()}
    model = Tokens().to(dtype)
    model.load_state_dict({key: torch.tensor(values, dtype=dtype).reshape(shape)
                           for key, (shape, values) in initial.parameters("token_losses").items()})
    optimizer = torch.optim.AdamW(grouped(model), lr=1e-2, weight_decay=0.1)
    ids, labels = (torch.tensor(rows) for rows in token_labels.samples(300, "train"))
    losses = []
    for step in range(STEPS):
        part = slice(step * BATCH, (step + 1) * BATCH)
        loss = functional.cross_entropy(model(ids[part]).transpose(1, 2), labels[part], ignore_index=token_labels.IGNORED, **settings)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    ids, labels = (torch.tensor(rows) for rows in token_labels.samples(40, "test"))
    with torch.no_grad():
        logits = model(ids)
    counted = labels != token_labels.IGNORED
    return losses, {"eval_loss": functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=token_labels.IGNORED, **settings).item(),
                    "eval_accuracy": (logits.argmax(-1) == labels)[counted].double().mean().item()}


torch.set_num_threads(1)
for name in CURVES:
    losses, evaluation = train(name, torch.float32)
    exact, _ = train(name, torch.float64)
    print(f"{name}: {losses[0]:.6f} … {losses[-1]:.6f}; f64 differs by {max(abs(a - b) / abs(b) for a, b in zip(losses, exact)):.1e}")
    with open(HERE / f"token_losses_{name}.jsonl", "w") as file:
        for step, loss in enumerate(losses, 1):
            file.write(json.dumps({"step": step, "loss": round(loss, 9)}) + "\n")
        file.write(json.dumps({"step": STEPS, **{key: round(value, 9) for key, value in evaluation.items()}}) + "\n")
