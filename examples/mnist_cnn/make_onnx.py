# Exports the model of mnist_cnn.dt from PyTorch: `python make_onnx.py` (needs torch and onnx) writes mnist_cnn.onnx.
from collections import OrderedDict

import torch
from torch import nn


class Standardise(nn.Module):
    def forward(self, image):
        return (image - 0.286) / 0.353


torch.manual_seed(0)
model = nn.Sequential(OrderedDict(
    standardise=Standardise(),
    conv1=nn.Conv2d(1, 32, 3), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
    conv2=nn.Conv2d(32, 64, 3), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2),
    flatten=nn.Flatten(),
    fc1=nn.Linear(1600, 128), relu3=nn.ReLU(),
    fc2=nn.Linear(128, 10)))
torch.onnx.export(
    model, (torch.zeros(2, 1, 28, 28),), "mnist_cnn.onnx", dynamo=False, opset_version=17,
    input_names=["image"], output_names=["logits"],
    dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}})
