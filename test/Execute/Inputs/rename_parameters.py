"""Gives the parameters of the MNIST example names that would be code.

    rename_parameters.py MODEL.onnx OUT.onnx      every new name has the old one's length, so bytes may be exchanged
    rename_parameters.py --check FILE.safetensors the checkpoint knows the parameters under the new names
"""
import json
import sys

NAMES = {
    b"conv1.weight": b'"); exit(1);',
    b"conv2.weight": b'*/x\n#if 0\n//',
    b"fc1.weight": b'system("")',
    b"fc2.weight": b"../../etc\\",
}

if sys.argv[1] == "--check":
    with open(sys.argv[2], "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    missing = [name for name in NAMES.values() if name.decode() not in header]
    sys.exit(f"not in the checkpoint: {missing}" if missing else 0)

model = open(sys.argv[1], "rb").read()
for old, new in NAMES.items():
    assert len(old) == len(new) and old in model, old
    model = model.replace(old, new)
open(sys.argv[2], "wb").write(model)
