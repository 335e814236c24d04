#!/usr/bin/env python3
"""Writes the models, data and PyTorch's losses of test/Execute/onnx-composed.test.

Needs torch and numpy, and nothing of dtc. 16 samples, batches of 8 in order, SGD with a rate of 0.005, mean squared error. `signal` keeps samples apart;
`places` looks up places in the flattened batch.
"""
import json
import pathlib
import textwrap

import numpy
import torch
import torch.nn.functional as F

torch.set_num_threads(1)  # the same sums wherever it runs
HERE = pathlib.Path(__file__).parent
rng = numpy.random.default_rng(0)

# A Loop of two runs that share a parameter; [N, 16] and [N, 1, 4, 4].
LOOP = """m = MatMul (x, w)
  twice = Constant <value = int64 {2}> ()
  h = Loop (twice, , m) <body = b (int64 i, bool c, float[N, 16] v) => (bool c, float[N, 16] u) {
    t = Tanh (v)  k = MatMul (t, again)  u = Add (v, k) }>
  image_shape = Constant <value = int64[4] {-1, 1, 4, 4}> ()
  image = Reshape (h, image_shape)"""

SIGNAL = f"""{LOOP}
  one = Constant <value = int64[1] {{1}}> ()
  two = Constant <value = int64[2] {{2, 2}}> ()
  three = Constant <value = int64[2] {{3, 3}}> ()
  norms = LpPool <kernel_shape = [2, 2], strides = [2, 2], p = 3> (image)
  columns = Squeeze (image, one)
  folded = Col2Im (columns, three, two)
  det = Det (folded)
  signal_shape = Constant <value = int64[3] {{-1, 16, 1}}> ()
  signal = Reshape (h, signal_shape)
  length = Constant <value = int64 {{12}}> ()
  first = Constant <value = int64 {{1}}> ()
  spectrum = DFT <onesided = 1> (signal, length, first)
  cos = Constant <value = float[4, 2] {{COS}}> ()
  sin = Constant <value = float[4, 2] {{SIN}}> ()
  turned = RotaryEmbedding <interleaved = 1> (image, cos, sin, at)
  a = Flatten (norms)  b = Flatten (det)  c = Flatten (spectrum)  d = Flatten (turned)
  y = Concat <axis = 1> (a, b, c, d)"""

PLACES = f"""{LOOP}
  theta_shape = Constant <value = int64[3] {{-1, 2, 3}}> ()
  six = Constant <value = int64[1] {{6}}> ()
  zero = Constant <value = int64[1] {{0}}> ()
  axis = Constant <value = int64[1] {{1}}> ()
  some = Slice (h, zero, six, axis)
  theta = Reshape (some, theta_shape)
  size = Constant <value = int64[4] {{8, 1, 2, 2}}> ()
  grid = AffineGrid (theta, size)
  sampled = GridSample <padding_mode = "border"> (image, grid)
  regions = Constant <value = float[8, 4] {{REGIONS}}> ()
  which = Constant <value = int64[8] {{0, 1, 2, 3, 4, 5, 6, 7}}> ()
  pooled = RoiAlign <output_height = 2, output_width = 2, sampling_ratio = 2> (image, regions, which)
  most, at = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (image)
  back = MaxUnpool <kernel_shape = [2, 2], strides = [2, 2]> (most, at)
  a = Flatten (sampled)  b = Flatten (pooled)  c = Flatten (back)
  key = ArgMin <axis = 1> (h)
  largest = Abs (m)
  update = ReduceSum (largest, axis)
  d = ScatterElements <axis = 1, reduction = "max"> (h, key, update)
  e = ScatterElements <axis = 1, reduction = "mul"> (h, key, update)
  y = Concat <axis = 1> (a, b, c, d, e)"""

angles = rng.uniform(-2, 2, size=(4, 2)).astype("f4")
regions = numpy.concatenate([rng.uniform(0, 1.5, size=(8, 2)), rng.uniform(2, 3.5, size=(8, 2))], 1).round(2).astype("f4")


def loop(x, w, again):
    h = x @ w
    for _ in range(2):
        h = h + torch.tanh(h) @ again
    return h, h.reshape(-1, 1, 4, 4)


def signal(x, w, again, at):
    h, image = loop(x, w, again)
    norms = F.avg_pool2d(image.abs() ** 3, 2, 2).mul(4) ** (1 / 3)
    folded = F.fold(image[:, 0], (3, 3), (2, 2))
    spectrum = torch.view_as_real(torch.fft.rfft(h, n=12, dim=1))
    a, b = image[..., 0::2], image[..., 1::2]
    turn = torch.tensor(angles)[at][:, None]
    turned = torch.stack([a * turn.cos() - b * turn.sin(), a * turn.sin() + b * turn.cos()], -1)
    return torch.cat([norms.flatten(1), torch.linalg.det(folded)[:, None].flatten(1), spectrum.flatten(1), turned.flatten(1)], 1)


def roi_align(image, samples=2, bins=2):
    """Each image's region at the middles of its samples, by grid_sample, whose coordinates -1 and 1 are the outer edges."""
    begin, end = torch.tensor(regions[:, :2]) - 0.5, torch.tensor(regions[:, 2:]) - 0.5
    share = (torch.arange(bins * samples) + 0.5) / (bins * samples)
    at = begin[:, None] + (end - begin)[:, None] * share[:, None]  # [R, points, 2]
    at = (2 * at + 1) / 4 - 1
    grid = torch.stack([at[:, None, :, 0].expand(-1, bins * samples, -1), at[:, :, None, 1].expand(-1, -1, bins * samples)], -1)
    return F.avg_pool2d(F.grid_sample(image, grid, padding_mode="border", align_corners=False), samples)


def places(x, w, again):
    h, image = loop(x, w, again)
    sampled = F.grid_sample(image, F.affine_grid(h[:, :6].reshape(-1, 2, 3), (8, 1, 2, 2), align_corners=False), padding_mode="border", align_corners=False)
    most, at = F.max_pool2d(image, 2, 2, return_indices=True)
    back = F.max_unpool2d(most, at, 2, 2)
    key, update = h.argmin(1, keepdim=True), (x @ w).abs().sum(1, keepdim=True)
    d, e = (h.scatter_reduce(1, key, update, reduce) for reduce in ("amax", "prod"))
    return torch.cat([sampled.flatten(1), roi_align(image).flatten(1), back.flatten(1), d, e], 1)


def numbers(values):
    return ", ".join(str(value) for value in numpy.asarray(values, "f4").flatten())


MODELS = {
    "signal": (SIGNAL.replace("COS", numbers(numpy.cos(angles))).replace("SIN", numbers(numpy.sin(angles))), 4 + 1 + 14 + 16, {"at": 4}, signal),
    "places": (PLACES.replace("REGIONS", numbers(regions)), 4 + 4 + 16 + 16 + 16, {}, places),
}

for name, (nodes, width, ids, forward) in MODELS.items():
    weights = {key: (rng.normal(size=(16, 16)) / 4).round(3) for key in ("w", "again")}
    inputs = {"x": rng.normal(size=(16, 16)).astype("f4"), **{key: rng.integers(0, top, size=(16, 4)) for key, top in ids.items()}}
    target = rng.normal(size=(16, width)).astype("f4")
    for key, value in {**inputs, "label": target}.items():
        numpy.save(HERE / f"{name}.{key}.npy", value)
    declared = ", ".join(["float[N, 16] x"] + [f"int64[N, 4] {key}" for key in ids])
    held = ",\n".join(f"float[16, 16] {key} = {{" + "\n".join(textwrap.wrap(", ".join(map(str, value.flatten())), 130)) + "}"
                      for key, value in weights.items())
    (HERE / f"{name}.onnxtxt").write_text(
        f'<ir_version: 10, opset_import: ["" : 23]>\n{name} ({declared}) => (float[N, {width}] y)\n<{held}> {{\n  {nodes}\n}}\n')
    parameters = [torch.tensor(value, dtype=torch.float32, requires_grad=True) for value in weights.values()]
    lines = []
    for step in range(10):
        rows = slice(8 * (step % 2), 8 * (step % 2) + 8)
        y = forward(torch.tensor(inputs["x"][rows]), *parameters, *(torch.tensor(inputs[key][rows]) for key in ids))
        loss = F.mse_loss(y, torch.tensor(target[rows]))
        gradients = torch.autograd.grad(loss, parameters)
        parameters = [(p - 0.005 * g).detach().requires_grad_(True) for p, g in zip(parameters, gradients)]
        lines.append(json.dumps({"step": step + 1, "loss": loss.item()}))
    (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
