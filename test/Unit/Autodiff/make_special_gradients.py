#!/usr/bin/env python3
"""Writes SpecialGradients.inc: the gradients that PyTorch computes in float64 of elementwise ops at NaN, infinities, zeros of both signs and the
ends of the range, for SpecialGradientsTests.cpp.

    pip install torch        # any version 2
    python3 make_special_gradients.py > SpecialGradients.inc
"""
import math

import torch
import torch.nn.functional as F

VALUES = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-9, 0.5, -0.5, 1.0, -1.0, 2.0, -3.25, 40.0, -40.0, 1e150, -1e150]
UPSTREAM = 2.0  # the gradient of the op's result

UNARY = {
    "nn.neg %x": torch.neg,
    "nn.exp %x": torch.exp,
    "nn.log %x": torch.log,
    "nn.sqrt %x": torch.sqrt,
    "nn.relu %x": torch.relu,
    "nn.leaky_relu %x {alpha = 0.1}": lambda x: F.leaky_relu(x, 0.1),
    "nn.elu %x {alpha = 1.5}": lambda x: F.elu(x, 1.5),
    "nn.sigmoid %x": torch.sigmoid,
    "nn.tanh %x": torch.tanh,
    "nn.erf %x": torch.erf,
    "nn.abs %x": torch.abs,
    "nn.sin %x": torch.sin,
    "nn.cos %x": torch.cos,
    "nn.tan %x": torch.tan,
    "nn.asin %x": torch.asin,
    "nn.acos %x": torch.acos,
    "nn.atan %x": torch.atan,
    "nn.sinh %x": torch.sinh,
    "nn.cosh %x": torch.cosh,
    "nn.asinh %x": torch.asinh,
    "nn.acosh %x": torch.acosh,
    "nn.atanh %x": torch.atanh,
    "nn.softplus %x": F.softplus,
    "nn.silu %x": F.silu,
    "nn.mish %x": F.mish,
    # PyTorch's 1/6 is a float32.
    "nn.hard_sigmoid %x {alpha = 0.1666666716337204, beta = 0.5}": F.hardsigmoid,
    "nn.hard_swish %x": F.hardswish,
    "nn.clip %x {min = -1.0, max = 2.0}": lambda x: torch.clamp(x, -1, 2),
    "nn.clip %x {max = 0.5}": lambda x: torch.clamp(x, max=0.5),
    "nn.gelu %x": F.gelu,
    "nn.gelu %x {approximate}": lambda x: F.gelu(x, approximate="tanh"),
}
BINARY = {
    "nn.add %x, %y": torch.add,
    "nn.sub %x, %y": torch.sub,
    "nn.mul %x, %y": torch.mul,
    "nn.div %x, %y": torch.div,
    "nn.pow %x, %y": torch.pow,
    "nn.min %x, %y": torch.minimum,
    "nn.max %x, %y": torch.maximum,
}


def number(x):
    return "nothing" if math.isnan(x) else ("-" if x < 0 else "") + "infinity" if math.isinf(x) else repr(x)


def braces(values):
    return "{" + ", ".join(map(number, values)) + "}"


print(f"// Made by make_special_gradients.py with PyTorch {torch.__version__.split('+')[0]}; float64 throughout.")
print(f"const std::vector<double> values = {braces(VALUES)};")
print(f"constexpr double upstream = {UPSTREAM};")
print("const Literal literals[] = {")
for op, function in UNARY.items():
    # One at a time: elements in a vector and the rest of it may be computed in other ways.
    x = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in VALUES]
    for v in x:
        function(v).backward(torch.tensor(UPSTREAM, dtype=torch.float64))
    print(f'    {{"{op}",\n     {braces(v.grad.item() for v in x)}, {{}}}},')
for op, function in BINARY.items():
    of_x, of_y = [], []
    for a in VALUES:
        for b in VALUES:
            x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (a, b))
            function(x, y).backward(torch.tensor(UPSTREAM, dtype=torch.float64))
            of_x.append(x.grad.item())
            of_y.append(y.grad.item())
    print(f'    {{"{op}",\n     {braces(of_x)},\n     {braces(of_y)}}},')
print("};")
