"""What --predict writes, against the forward pass of models/predicted.dt in double precision.

    predictions.py write FOLDER                             x.npy, 77 samples for it, and y.npy, their labels
    predictions.py check FOLDER CHECKPOINT OUTPUT.npy…      all outputs are those of the checkpoint, and the same to 1e-6 of the largest
    predictions.py shape OUTPUT.npy                         prints it
"""
import array
import ast
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from compare_parameters import read

SAMPLES, SIZES, CLASSES = 77, (6, 5), 7


def read_npy(path):
    """Shape and values of a NumPy file of f32, as numpy.lib.format describes it."""
    with open(path, "rb") as file:
        content = file.read()
    assert content[:8] == b"\x93NUMPY\x01\x00", f"{path}: no NumPy file of version 1.0"
    length, = struct.unpack_from("<H", content, 8)
    header = ast.literal_eval(content[10:10 + length].decode("latin1"))
    assert (10 + length) % 64 == 0 and content[9 + length] == ord("\n"), f"{path}: its header has {length} bytes"
    assert (header["descr"], header["fortran_order"]) == ("<f4", False), f"{path}: {header}"
    values = array.array("f", content[10 + length:])
    assert len(values) == math.prod(header["shape"]), f"{path}: {len(values)} values of {header['shape']}"
    return header["shape"], values


def write_npy(path, kind, shape, values):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + array.array({"<f4": "f", "<i8": "q"}[kind], values).tobytes())


def linear(parameters, layer, x):
    (_, (rows, columns), weight), (_, _, bias) = parameters[layer + ".weight"], parameters[layer + ".bias"]
    return [bias[r] + math.fsum(a * b for a, b in zip(x, weight[r * columns:(r + 1) * columns])) for r in range(rows)]


def forward(parameters, x):
    mean, variance, scale, shift = (parameters["bn." + name][2] for name in ("running_mean", "running_var", "weight", "bias"))
    h = linear(parameters, "fc1", x)
    h = [max(0.0, (value - mean[i]) / math.sqrt(variance[i] + 1e-5) * scale[i] + shift[i]) for i, value in enumerate(h)]
    return linear(parameters, "fc3", [max(0.0, value) for value in linear(parameters, "fc2", h)])


def write(folder):
    generator, size = random.Random("dtc predictions"), math.prod(SIZES)
    write_npy(os.path.join(folder, "x.npy"), "<f4", (SAMPLES, *SIZES), [generator.gauss(0, 1) for _ in range(SAMPLES * size)])
    write_npy(os.path.join(folder, "y.npy"), "<i8", (SAMPLES,), [generator.randrange(CLASSES) for _ in range(SAMPLES)])


def check(folder, checkpoint, *outputs):
    parameters, (_, x) = read(checkpoint), read_npy(os.path.join(folder, "x.npy"))
    size = len(x) // SAMPLES
    expected = [value for sample in range(SAMPLES) for value in forward(parameters, x[sample * size:(sample + 1) * size])]
    largest = max(map(abs, expected))
    assert largest > 0.1 and len(set(expected)) == len(expected), "the samples' outputs are alike: nothing is compared"
    first = read_npy(outputs[0])[1]
    for path in outputs:
        shape, actual = read_npy(path)
        assert shape == (SAMPLES, CLASSES), f"{path}: of shape {shape}"
        for other, what, allowed in ((expected, "the model", 5e-6), (first, outputs[0], 1e-6)):
            error, place = max((abs(a - b) / largest, i) for i, (a, b) in enumerate(zip(actual, other)))
            assert error <= allowed, f"{path}: off by {error:.1e} from {what} in row {place // CLASSES}"
    print(f"{len(outputs)} files of {SAMPLES} rows agree")


if __name__ == "__main__":
    {"write": write, "check": check, "shape": lambda path: print(read_npy(path)[0])}[sys.argv[1]](*sys.argv[2:])
