# Initial parameters of the reference models: `initial.py MODEL FILE.safetensors`.
#
# Uniform within 1 / sqrt(fan_in), from a generator whose sequence Python guarantees, so that the values need not be stored
# and the tests and make_curves.py begin at the same ones.
import array
import json
import math
import random
import struct
import sys

# Shapes by name, and the fan-in of each layer, in the order in which the values are drawn.
MODELS = {
    "mnist_cnn": {
        "conv1": ([32, 1, 3, 3], True),
        "conv2": ([64, 32, 3, 3], True),
        "fc1": ([128, 1600], True),
        "fc2": ([10, 128], True),
    },
    "mlp": {
        "fc1": ([256, 784], True),
        "fc2": ([10, 256], True),
    },
    "gelu": {
        "fc1": ([96, 784], True),
        "fc2": ([64, 96], True),
        "fc3": ([10, 64], True),
    },
    "branches": {
        "stem": ([8, 1, 5, 5], True),
        "dilated": ([8, 8, 3, 3], True),
        "grouped": ([12, 2, 3, 3], True),
        "pooled": ([4, 8, 1, 1], False),
        "depthwise": ([24, 1, 3, 1], True),
        "mixed": ([16, 24, 3, 3], True),
        "head": ([10, 240], True),
    },
    "bce_logits": {
        "fc1": ([32, 784], True),
        "fc2": ([10, 32], True),
    },
    "batch_norm": {
        "conv1": ([8, 1, 5, 5], False),
        "bn1": ([8], "batch_norm"),
        "conv2": ([12, 8, 3, 3], True),
        "bn2": ([12], "batch_norm"),
        "fc1": ([24, 192], True),
        "bn3": ([24], "batch_norm"),
        "fc2": ([10, 24], True),
    },
    "sample_norms": {
        "conv1": ([12, 1, 5, 5], False),
        "gn1": ([12], "affine"),
        "conv2": ([8, 12, 3, 3], True),
        "in2": ([8], "affine"),
        "fc1": ([24, 128], True),
        "ln3": ([24], "affine"),
        "fc2": ([20, 24], False),
        "rn4": ([20], "scale"),
        "fc3": ([10, 20], True),
    },
    "token_losses": {
        "table": ([20, 8], False),
        "up": ([16, 8], True),
        "head": ([12, 16], True),
    },
    "norm_residual": {
        "conv": ([8, 1, 5, 5], False),
        "bn": ([8], "batch_norm"),
        **{f"unit{unit}.{layer}{number}": shape for unit in (1, 2) for number in (1, 2)
           for layer, shape in (("conv", ([8, 8, 3, 3], False)), ("bn", ([8], "batch_norm")))},
        "head": ([10, 8], True),
    },
}


# Not every beginning will do: where rounding alone decides whether a dead ReLU comes to life, Adam makes a jump of 1e-3 in the
# loss out of it (mnist_cnn from the seeds "" and " 3", for instance). make_curves.py checks that from these it does not happen.
SEEDS = {"mnist_cnn": " 2", "mlp": "", "gelu": "", "bce_logits": "", "branches": " 9", "batch_norm": "",
         "sample_norms": "", "norm_residual": "", "token_losses": ""}
# What PyTorch's normalisations begin with, by what they have.
SCALE = {"weight": 1}
AFFINE = {**SCALE, "bias": 0}
NORMALISATION = {"scale": SCALE, "affine": AFFINE, "batch_norm": {**AFFINE, "running_mean": 0, "running_var": 1}}


def parameters(model):
    """Name to (shape, values as array of f32)."""
    generator = random.Random("dtc reference " + model + SEEDS[model])
    result = {}
    for layer, (shape, has_bias) in MODELS[model].items():
        if has_bias in NORMALISATION:
            for suffix, value in NORMALISATION[has_bias].items():
                result[f"{layer}.{suffix}"] = (shape, array.array("f", [value] * shape[0]))
            continue
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        tensors = [("weight", shape)] + ([("bias", shape[:1])] if has_bias else [])
        for suffix, extents in tensors:
            values = array.array("f", (bound * (2 * generator.random() - 1) for _ in range(math.prod(extents))))
            result[f"{layer}.{suffix}"] = (extents, values)
    return result


def write(model, path):
    """The safetensors format: length of the header, header in JSON, then the bytes of all tensors."""
    header, data = {}, bytearray()
    for name, (shape, values) in parameters(model).items():
        begin = len(data)
        if sys.byteorder == "big":
            values.byteswap()
        data += values.tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in MODELS:
        sys.exit(f"usage: initial.py {'|'.join(MODELS)} FILE.safetensors")
    write(*sys.argv[1:])
