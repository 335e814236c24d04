#!/usr/bin/env python3
"""Writes the models, data and PyTorch's losses of test/Execute/onnx-selection.test.

Needs torch and numpy, and nothing of dtc. 16 samples, batches of 8 in order, SGD with a rate of 0.1, mean squared error.
"""
import json
import pathlib
import textwrap

import numpy
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
rng = numpy.random.default_rng(0)


def scatter(x, w):
    h = x @ w
    return h.scatter(1, h.argmax(1, keepdim=True), h.mean(1, keepdim=True))


# Of each model: the shapes of a sample, of the weights and of an output, more inputs, its nodes, and PyTorch's form.
MODELS = {
    "topk": ((6,), (6, 5), (3,), {}, "h = MatMul (x, w)\n  k = Constant <value = int64[1] {3}> ()\n  y, at = TopK (h, k)",
             lambda x, w: torch.topk(x @ w, 3, dim=1).values),
    "scatter": ((4,), (4, 4), (4,), {},
                "h = MatMul (x, w)\n  i = ArgMax <axis = 1> (h)\n  u = ReduceMean <axes = [1]> (h)\n  y = ScatterElements <axis = 1> (h, i, u)",
                scatter),
    "grid": ((1, 4, 4), (16, 8), (1, 2, 2), {},
             "f = Flatten (x)\n  m = MatMul (f, w)\n  p = Tanh (m)\n  s = Constant <value = int64[4] {-1, 2, 2, 2}> ()\n"
             "  points = Reshape (p, s)\n  y = GridSample <padding_mode = \"border\"> (x, points)",
             lambda x, w: F.grid_sample(x, torch.tanh(x.flatten(1) @ w).reshape(-1, 2, 2, 2), padding_mode="border", align_corners=False)),
    "labels": ((6,), (6, 5), (), {"t": 5},
               "h = MatMul (x, w)\n  y = SoftmaxCrossEntropyLoss <reduction = \"none\", ignore_index = 2> (h, t)",
               lambda x, w, t: F.cross_entropy(x @ w, t, ignore_index=2, reduction="none")),
}

for name, (sample, shape, output, labels, nodes, forward) in MODELS.items():
    w = rng.normal(size=shape).round(3)
    inputs = {"x": rng.normal(size=(16, *sample)).astype("f4"), **{key: rng.integers(0, top, size=16) for key, top in labels.items()}}
    target = rng.normal(size=(16, *output)).astype("f4")
    for key, value in {**inputs, "label": target}.items():
        numpy.save(HERE / f"{name}.{key}.npy", value)
    declared = ", ".join([f"float[N, {', '.join(map(str, sample))}] x"] + [f"int64[N] {key}" for key in labels])
    values = "\n".join(textwrap.wrap(", ".join(map(str, w.flatten())), 130))
    result = ", ".join(map(str, ("N", *output)))
    (HERE / f"{name}.onnxtxt").write_text(f'<ir_version: 8, opset_import: ["" : 17]>\n{name} ({declared}) => (float[{result}] y)\n'
                                          f"<float[{', '.join(map(str, shape))}] w = {{{values}}}> {{\n  {nodes}\n}}\n")
    w = torch.tensor(w, dtype=torch.float32, requires_grad=True)
    lines = []
    for step in range(10):
        rows = slice(8 * (step % 2), 8 * (step % 2) + 8)
        loss = F.mse_loss(forward(torch.tensor(inputs["x"][rows]), w, *(torch.tensor(inputs[key][rows]) for key in labels)), torch.tensor(target[rows]))
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - 0.1 * gradient).detach().requires_grad_(True)
        lines.append(json.dumps({"step": step + 1, "loss": loss.item()}))
    (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
