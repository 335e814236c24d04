# tied_outputs.py ORIGINAL.onnx TRAINED.onnx CHECKPOINT.safetensors IDS.npy: in the trained file both copies of the tied embedding hold what the
# checkpoint holds, which is not what they began as, and its logits are what numpy computes of that.
import json
import struct
import sys

import numpy as np
import onnx
import onnxruntime

original, trained, checkpoint, ids = sys.argv[1:]
with open(checkpoint, "rb") as file:
    size, = struct.unpack("<Q", file.read(8))
    header, data = json.loads(file.read(size)), file.read()


def saved(name):
    entry = header[name]
    return np.frombuffer(data[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])


def initializers(path):
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


onnx.checker.check_model(onnx.load(trained), full_check=True)
before, after = initializers(original), initializers(trained)
copy, = (name for name in after if name.startswith("onnx::MatMul"))
embedding = saved("embed.weight")
if copy in header:
    sys.exit(f"the checkpoint holds {copy}, too")
if np.array_equal(before["embed.weight"], embedding):
    sys.exit("the embedding was not trained")
if not (np.array_equal(after["embed.weight"], embedding) and np.array_equal(after[copy], embedding.T)):
    sys.exit("the copies are not the checkpoint's")
ids = np.load(ids)
logits = np.tanh(embedding[ids] @ saved("up")) @ embedding.T
found, = onnxruntime.InferenceSession(trained).run(["logits"], {"ids": ids, "labels": ids})
if np.abs(found - logits).max() > 1e-5:
    sys.exit("onnxruntime computes other logits")
print("trained, and both copies are the checkpoint's")
