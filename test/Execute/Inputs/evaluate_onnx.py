# evaluate_onnx.py MODEL.onnx SAMPLES METRICS.jsonl npy:INPUT=FILE,…,label=FILE: ONNX's checker accepts a model, it takes any batch, and its
# cross-entropy over the last samples in onnxruntime is the last evaluation loss of the metrics, to 1e-5.
import json
import sys

import numpy as np
import onnx
import onnxruntime

model, samples, metrics, data = sys.argv[1:]
onnx.checker.check_model(model, full_check=True)
arrays = {name: np.load(file)[-int(samples):] for name, file in (item.split("=") for item in data.removeprefix("npy:").split(","))}
labels = arrays.pop("label")
session = onnxruntime.InferenceSession(model)
inputs = {input.name: arrays[input.name] for input in session.get_inputs()}


def logits_of(inputs):
    return session.run(None, inputs)[0].astype(np.float64)


logits = logits_of(inputs)
first = logits_of({name: array[:1] for name, array in inputs.items()})
if np.abs(first - logits[:1]).max() > 1e-5:
    sys.exit("a batch of one sample has other logits")
logits, labels = logits.reshape(-1, logits.shape[-1]), labels.reshape(-1)
shifted = logits - logits.max(-1, keepdims=True)
loss = np.mean(np.log(np.exp(shifted).sum(-1)) - shifted[np.arange(len(labels)), labels])
wanted = [line["eval_loss"] for line in map(json.loads, open(metrics)) if "eval_loss" in line][-1]
if not abs(loss - wanted) < 1e-5:
    sys.exit("onnxruntime evaluates to %.7f, the program to %.7f" % (loss, wanted))
print("onnxruntime and the program evaluate to %.6f" % loss)
