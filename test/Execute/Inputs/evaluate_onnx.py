# evaluate_onnx.py MODEL.onnx FOLDER/NAME SAMPLES METRICS.jsonl: ONNX's checker accepts a model, and its cross-entropy over the last samples of
# NAME.input.npy and NAME.label.npy in onnxruntime is the last evaluation loss of the metrics, to 1e-5.
import json
import sys

import numpy as np
import onnx
import onnxruntime

model, data, samples, metrics = sys.argv[1:]
onnx.checker.check_model(model, full_check=True)
inputs, labels = (np.load(data + "." + name + ".npy")[-int(samples):] for name in ("input", "label"))
logits = onnxruntime.InferenceSession(model).run(None, {"input": inputs})[0].astype(np.float64)
logits, labels = logits.reshape(-1, logits.shape[-1]), labels.reshape(-1)
shifted = logits - logits.max(-1, keepdims=True)
loss = np.mean(np.log(np.exp(shifted).sum(-1)) - shifted[np.arange(len(labels)), labels])
lines = [json.loads(line) for line in open(metrics)]
wanted = [line["eval_loss"] for line in lines if "eval_loss" in line][-1]
if not abs(loss - wanted) < 1e-5:
    sys.exit("onnxruntime evaluates to %.7f, the program to %.7f" % (loss, wanted))
print("onnxruntime and the program evaluate to %.6f" % loss)
