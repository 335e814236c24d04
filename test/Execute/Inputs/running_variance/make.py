# What PyTorch makes of a small model with batch normalisation: `make.py FOLDER` writes the export, the samples, and after 6 steps of 4 samples each the
# running statistics and the loss of the last 8 samples in evaluation. Once as torch.nn.BatchNorm1d has them (`unbiased`), once with a running variance
# that moves towards the biased variance of each batch (`biased`), as ONNX defines BatchNormalization. Made with PyTorch 2.15.
import copy
import json
import sys

import numpy as np
import onnx
import torch
from torch import nn

torch.manual_seed(5)
model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
with torch.no_grad():
    model[1].running_mean.uniform_(-0.5, 0.5)
    model[1].running_var.uniform_(0.5, 1.5)
x, label = torch.randn(32, 3) * 2 + 1, torch.randint(0, 2, (32,))
initial = copy.deepcopy(model.state_dict())
torch.onnx.export(model.train(), (x[:4],), sys.argv[1] + "/model.onnx", dynamo=False, opset_version=17, input_names=["x"], output_names=["y"],
                  dynamic_axes={"x": {0: "N"}, "y": {0: "N"}}, training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False)
# The exporter has run the model, which moved its statistics.
exported = onnx.load(sys.argv[1] + "/model.onnx")
for tensor in exported.graph.initializer:
    tensor.CopyFrom(onnx.numpy_helper.from_array(initial[tensor.name].numpy(), tensor.name))
onnx.save(exported, sys.argv[1] + "/model.onnx")
model.load_state_dict(initial)
np.save(sys.argv[1] + "/x.npy", x.numpy())
np.save(sys.argv[1] + "/label.npy", label.numpy())

biased = model[1].running_var.clone()


def move(_, inputs):
    if model.training:
        biased.mul_(0.9).add_(0.1 * inputs[0].detach().var(0, unbiased=False))


model[1].register_forward_pre_hook(move)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(6):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x[4 * step:4 * step + 4]), label[4 * step:4 * step + 4]).backward()
    optimizer.step()
model.eval()


def state():
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model(x[24:]), label[24:]).item()
    return {"loss": loss, "1.running_mean": model[1].running_mean.tolist(), "1.running_var": model[1].running_var.tolist()}


result = {"unbiased": state()}
model[1].running_var.copy_(biased)
result["biased"] = state()
with open(sys.argv[1] + "/pytorch.json", "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
