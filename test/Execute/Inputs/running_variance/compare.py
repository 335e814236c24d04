# compare.py PYTORCH.json KIND CHECKPOINT.safetensors METRICS.jsonl: running statistics and the last evaluation loss are PyTorch's of this kind, to 1e-5.
import json
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../..")
from compare_parameters import read

pytorch, kind, checkpoint, metrics = sys.argv[1:]
expected = json.load(open(pytorch))[kind]
loss = [line["eval_loss"] for line in map(json.loads, open(metrics)) if "eval_loss" in line][-1]
actual = {name: values[2] for name, values in read(checkpoint).items()}
wrong = [name for name, values in expected.items()
         if name != "loss" and not all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(values, actual[name], strict=True))]
if not math.isclose(loss, expected["loss"], rel_tol=1e-5):
    wrong.append(f"eval_loss: {loss} instead of {expected['loss']}")
sys.exit("\n".join(["other than PyTorch's, " + kind + ":", *wrong]) if wrong else 0)
