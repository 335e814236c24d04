#!/usr/bin/env python3
"""Writes PyTorchLiterals.cpp: what PyTorch computes in float64 for the losses
and optimizers that LossTests.cpp and OptimizerTests.cpp check.

    pip install torch        # any version 2
    python3 make_pytorch_literals.py > PyTorchLiterals.cpp
"""
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[2] / "Inputs"))
import optimizers_of_papers as definitions

torch.set_default_dtype(torch.float64)


def braces(tensor):
    return "{" + ", ".join(repr(x) for x in tensor.detach().flatten().tolist()) + "}"


# Losses: attribute, prediction, label, weight of each sample. Samples of weight 0
# are padding and are not shown to PyTorch; the others weigh 1 / their number.
def cross_entropy(x, y):
    return F.cross_entropy(x.movedim(-1, 1) if x.dim() > 2 else x, y)


def counted_cross_entropy(ignored=-100, smoothing=0.0, weight=None, reduction="mean", axis=-1):
    """With how the labels count: what the loss takes for the sample weight is the positions of a sample over their sum."""
    def loss(x, y):
        return F.cross_entropy(x.movedim(axis, 1), y, weight=weight, ignore_index=ignored, label_smoothing=smoothing, reduction=reduction)

    def divisor(y):
        counts = (y != ignored).double()
        if weight is not None:
            counts = counts * weight[y.clamp(0, len(weight) - 1)]
        return counts.sum().item() if reduction == "mean" else 1.0
    loss.divisor = divisor
    return loss


LOGITS = torch.tensor([[1.5, -0.25, 0.75, 3.0], [-2.0, 0.5, 0.0, 1.0], [40.0, -40.0, 2.0, 0.0]])
SEQUENCE = torch.linspace(-3.0, 2.5, 24).sin().mul(2.0).reshape(2, 3, 4)
VALUES = torch.tensor([[0.5, -1.0], [2.0, 0.25], [-0.75, 3.0]])
TARGETS = torch.tensor([[0.25, -2.0], [2.5, 0.0], [1.0, 1.0]])
PROBABILITIES = torch.tensor([[0.5, 0.9], [0.01, 0.75], [1.0, 0.0]])
CHOICES = torch.tensor([[1.0, 1.0], [0.0, 0.25], [0.0, 0.0]])
WIDE = torch.tensor([[0.0, 3.5], [-0.25, 900.0], [-900.0, 40.0]])
CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 0.0, 1.25])
WEIGHTS = "class_weights = [0.5, 2.0, 0.0, 1.25]"
CHANNELS = SEQUENCE.movedim(-1, 1).contiguous()
SOME = torch.tensor([[0, 3, -100], [-100, 2, 0]])
LOSSES = [
    ("cross_entropy_ignored", "#nn.cross_entropy<ignore_index = -100>", counted_cross_entropy(), SEQUENCE, SOME, [1, 1]),
    ("cross_entropy_ignored_class", "#nn.cross_entropy<ignore_index = 2>", counted_cross_entropy(2), SEQUENCE,
     torch.tensor([[0, 3, 2], [2, 2, 0]]), [1, 1]),
    ("cross_entropy_ignored_padded", "#nn.cross_entropy<ignore_index = -1>", counted_cross_entropy(-1), LOGITS,
     torch.tensor([-1, 0, 1]), [1, 1, 0]),
    ("cross_entropy_smoothed", "#nn.cross_entropy<label_smoothing = 0.1>", counted_cross_entropy(smoothing=0.1), SEQUENCE,
     torch.tensor([[0, 3, 1], [2, 2, 0]]), [1, 1]),
    ("cross_entropy_weighted", f"#nn.cross_entropy<{WEIGHTS}>", counted_cross_entropy(weight=CLASS_WEIGHTS), SEQUENCE,
     torch.tensor([[0, 3, 1], [2, 2, 0]]), [1, 1]),
    ("cross_entropy_all", f"#nn.cross_entropy<ignore_index = -100, label_smoothing = 0.2, {WEIGHTS}>",
     counted_cross_entropy(-100, 0.2, CLASS_WEIGHTS), SEQUENCE, SOME, [1, 1]),
    ("cross_entropy_channels", f"#nn.cross_entropy<class_axis = 1, ignore_index = -100, label_smoothing = 0.2, {WEIGHTS}>",
     counted_cross_entropy(-100, 0.2, CLASS_WEIGHTS, axis=1), CHANNELS, SOME, [1, 1]),
    ("cross_entropy_sum", f"#nn.cross_entropy<ignore_index = -100, {WEIGHTS}, sum>",
     counted_cross_entropy(-100, weight=CLASS_WEIGHTS, reduction="sum"), SEQUENCE, SOME, [1, 1]),
    ("cross_entropy", "#nn.cross_entropy", cross_entropy, LOGITS, torch.tensor([3, 0, 1]), [1, 1, 1]),
    ("cross_entropy_padded", "#nn.cross_entropy", cross_entropy, LOGITS, torch.tensor([3, 0, 0]), [1, 1, 0]),
    ("cross_entropy_sequence", "#nn.cross_entropy", cross_entropy, SEQUENCE,
     torch.tensor([[0, 3, 1], [2, 2, 0]]), [1, 1]),
    ("mse", "#nn.mse", F.mse_loss, VALUES, TARGETS, [1, 1, 1]),
    ("mse_padded", "#nn.mse", F.mse_loss, VALUES, TARGETS, [1, 0, 1]),
    ("mse_vector", "#nn.mse", F.mse_loss, VALUES[:, 0], TARGETS[:, 0], [1, 1, 1]),
    ("bce", "#nn.bce", F.binary_cross_entropy, PROBABILITIES, CHOICES, [1, 1, 1]),
    ("bce_padded", "#nn.bce", F.binary_cross_entropy, PROBABILITIES, CHOICES, [1, 1, 0]),
    ("bce_logits", "#nn.bce_logits", F.binary_cross_entropy_with_logits, WIDE, CHOICES, [1, 1, 1]),
    ("bce_logits_padded", "#nn.bce_logits", F.binary_cross_entropy_with_logits, WIDE, CHOICES, [0, 1, 1]),
]

# Optimizers: attribute, the PyTorch optimizer with the same settings.
OPTIMIZERS = [
    ("sgd", "#nn.sgd<lr = 0.1>", lambda p: torch.optim.SGD(p, lr=0.1)),
    ("sgd_weight_decay", "#nn.sgd<lr = 0.1, weight_decay = 0.2>",
     lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.2)),
    ("sgd_momentum", "#nn.sgd<lr = 0.1, momentum = 0.9>",
     lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    ("sgd_dampening", "#nn.sgd<lr = 0.1, momentum = 0.9, dampening = 0.5>",
     lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5)),
    ("sgd_nesterov", "#nn.sgd<lr = 0.1, momentum = 0.9, nesterov = true>",
     lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
    ("sgd_momentum_weight_decay", "#nn.sgd<lr = 0.1, momentum = 0.8, weight_decay = 0.3>",
     lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, weight_decay=0.3)),
    ("adam", "#nn.adam<lr = 0.01>", lambda p: torch.optim.Adam(p, lr=0.01)),
    ("adam_betas", "#nn.adam<lr = 0.01, beta1 = 0.7, beta2 = 0.95, epsilon = 0.001>",
     lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.7, 0.95), eps=0.001)),
    ("adam_weight_decay", "#nn.adam<lr = 0.01, weight_decay = 0.2>",
     lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.2)),
    ("adamw", "#nn.adamw<lr = 0.01, weight_decay = 0.2>",
     lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.2)),
    ("adam_amsgrad", "#nn.adam<lr = 0.01, beta2 = 0.9, amsgrad = true>",
     lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.9), amsgrad=True)),
    ("adamw_all", "#nn.adamw<lr = 0.01, beta1 = 0.8, beta2 = 0.9, epsilon = 0.001, weight_decay = 0.1, amsgrad = true>",
     lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.8, 0.9), eps=0.001, weight_decay=0.1, amsgrad=True)),
    ("rmsprop", "#nn.rmsprop<lr = 0.01>", lambda p: torch.optim.RMSprop(p)),
    ("rmsprop_all", "#nn.rmsprop<lr = 0.02, alpha = 0.9, epsilon = 0.001, weight_decay = 0.1, momentum = 0.8, centered = true>",
     lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.9, eps=0.001, weight_decay=0.1, momentum=0.8, centered=True)),
    ("adagrad", "#nn.adagrad<lr = 0.01>", lambda p: torch.optim.Adagrad(p)),
    ("adagrad_all", "#nn.adagrad<lr = 0.1, lr_decay = 0.2, weight_decay = 0.1, initial_accumulator_value = 0.5, epsilon = 0.001>",
     lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=0.5, eps=0.001)),
    ("adamax", "#nn.adamax<lr = 0.002>", lambda p: torch.optim.Adamax(p)),
    ("adamax_all", "#nn.adamax<lr = 0.02, beta1 = 0.8, beta2 = 0.5, epsilon = 0.001, weight_decay = 0.1>",
     lambda p: torch.optim.Adamax(p, lr=0.02, betas=(0.8, 0.5), eps=0.001, weight_decay=0.1)),
    ("nadam", "#nn.nadam<lr = 0.002>", lambda p: torch.optim.NAdam(p)),
    ("nadam_all", "#nn.nadam<lr = 0.02, beta1 = 0.8, beta2 = 0.9, epsilon = 0.001, weight_decay = 0.1, momentum_decay = 0.1>",
     lambda p: torch.optim.NAdam(p, lr=0.02, betas=(0.8, 0.9), eps=0.001, weight_decay=0.1, momentum_decay=0.1)),
    ("nadam_decoupled", "#nn.nadam<lr = 0.02, weight_decay = 0.1, decoupled_weight_decay = true>",
     lambda p: torch.optim.NAdam(p, lr=0.02, weight_decay=0.1, decoupled_weight_decay=True)),
    ("radam", "#nn.radam<lr = 0.001>", lambda p: torch.optim.RAdam(p)),
    ("radam_all", "#nn.radam<lr = 0.02, beta1 = 0.8, beta2 = 0.95, epsilon = 0.001, weight_decay = 0.1>",
     lambda p: torch.optim.RAdam(p, lr=0.02, betas=(0.8, 0.95), eps=0.001, weight_decay=0.1)),
    ("radam_decoupled", "#nn.radam<lr = 0.02, weight_decay = 0.1, decoupled_weight_decay = true>",
     lambda p: torch.optim.RAdam(p, lr=0.02, weight_decay=0.1, decoupled_weight_decay=True)),
    ("lion", "#nn.lion<lr = 0.0001>", lambda p: definitions.Lion(p)),
    ("lion_all", "#nn.lion<lr = 0.01, beta1 = 0.8, beta2 = 0.9, weight_decay = 0.1>",
     lambda p: definitions.Lion(p, lr=0.01, betas=(0.8, 0.9), weight_decay=0.1)),
    ("lamb", "#nn.lamb<lr = 0.001>", lambda p: definitions.Lamb(p)),
    ("lamb_all", "#nn.lamb<lr = 0.02, beta1 = 0.8, beta2 = 0.9, epsilon = 0.001, weight_decay = 0.1>",
     lambda p: definitions.Lamb(p, lr=0.02, betas=(0.8, 0.9), eps=0.001, weight_decay=0.1)),
]
START = torch.tensor([0.5, -1.25, 2.0, 0.0])
GRADIENTS = torch.tensor([[0.3, -0.1, 2.0, 0.0], [-0.4, -0.1, 1.0, 0.5], [0.05, 0.7, -3.0, 0.5], [0.2, -0.6, 0.25, -0.5],
                          [-0.1, 0.3, 0.5, 0.0], [0.15, 0.2, -1.0, 1.5], [0.4, -0.3, 0.125, -0.25]])

print(f"// Made by make_pytorch_literals.py with PyTorch {torch.__version__.split('+')[0]}; float64 throughout.")
print('#include "PyTorchLiterals.h"\n\nnamespace dtc::test {')
print("\nconst std::vector<LossLiteral> lossLiterals = {")
for name, attribute, function, prediction, label, weight in LOSSES:
    prediction = prediction.clone().requires_grad_()
    real = torch.tensor(weight, dtype=torch.bool)
    loss = function(prediction[real], label[real])
    loss.backward()
    divisor = function.divisor(label[real]) / label[0].numel() if hasattr(function, "divisor") else sum(weight)
    weights = torch.tensor(weight, dtype=torch.float64) / divisor
    shape = "{" + ", ".join(map(str, prediction.shape)) + "}"
    print(f'    {{"{name}", "{attribute}",\n     {shape}, {braces(prediction)},\n     {braces(label.double())}, '
          f"{braces(weights)},\n     {loss.item()!r}, {braces(prediction.grad)}}},")
print("};")

print(f"\nconst std::vector<double> startParameter = {braces(START)};")
print("const std::vector<std::vector<double>> gradientOfStep = {")
for gradient in GRADIENTS:
    print(f"    {braces(gradient)},")
print("};")
print("\nconst std::vector<OptimizerLiteral> optimizerLiterals = {")
for name, attribute, make in OPTIMIZERS:
    parameter = START.clone().requires_grad_()
    optimizer = make([parameter])
    print(f'    {{"{name}", "{attribute}",\n     {{', end="")
    for i, gradient in enumerate(GRADIENTS):
        parameter.grad = gradient.clone()
        optimizer.step()
        print((",\n      " if i else "") + braces(parameter), end="")
    print("}},")
print("};\n\n} // namespace dtc::test")
