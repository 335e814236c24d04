"""A model whose tensors have names that mean something to somebody, and what one step of Adam makes of it.

    named_model.py make FOLDER             names.onnx and a NumPy file for each input and for the label
    named_model.py run FOLDER COMMAND...   runs the program on them; the losses and the checkpoint, also once loaded and saved again, are
                                           those computed here

y = sum of x[j mod inputs] * w[j] over the weights, element by element.
"""
import array
import json
import math
import os
import struct
import subprocess
import sys

INPUTS = ["label", "x", "eval-x", "input:x", "eval-input:label", "a,b", "a=b", "back\\slash", "nul\0 1", "nul\0 2", "line\nbreak", "f32", "stdin",
          "\u4f60", "$(touch pwned)", "input"]
WEIGHTS = [
    # What the emitted text itself says, keywords, macros.
    "bf16", "index", "Tensor", "Arena", "arena", "Buffers", "constants", "b", "ctx", "loss", "correct", "step", "weight", "bucket0", "device",
    "class", "not", "co_await", "errno", "EOF", "NULL", "NAN", "INFINITY", "M_PIl", "I", "X", "W1", "linux", "SYS_read", "major", "BUFSIZ",
    # What checkpoints reserve.
    "__metadata__", "parameter/__metadata__", "parameter/parameter/__metadata__", "adam.m/X", "adam.v/adam.m/X", "sgd.momentum/X", "parameter/X",
    # What ends or begins something.
    '"); exit(1); //', "*/", "/*", "??/", "\\", "//\\\n", "#include <x>", "%s%n", "'", "{", "R\"(", "\r", "\t", " ", ".", "..", "-", "\x7f", "\ufeff", "\u2028",
    # The same but for what an identifier leaves out, and nothing but that.
    "a.b", "a/b", "a_b", "a__b", "_a_b", "a.b.gradient", "cut,here\\", "nul\0", "nul\0\0", "\0", "\u00fc", "u\u0308", "0", "00",
    "n" * 64, "n" * 65, "n" * 5000,
]
SAMPLES, SIZE, RATE = 4, 3, 0.1


def value(i, n, k):
    """Some number that is exact in f32."""
    return ((i * 31 + n * 17 + k * 7) % 64 - 31) / 32


def x(i, n, k):
    return value(i + 1, n, k)


def w(j, k):
    return value(j + 101, 0, k)


def label(n, k):
    return value(5, n, k)


# Protobuf: a field is its number and type, and then a number, or a length and bytes.
def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def make_model():
    def value_info(name):
        shape = field(1, field(2, "N")) + field(1, field(1, SIZE))
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))

    def node(operator, inputs, output, name):
        return field(1, b"".join(field(1, i) for i in inputs) + field(2, output) + field(3, name) + field(4, operator))

    graph, total = b"", None
    for j, weight in enumerate(WEIGHTS):
        # Nodes are called as weights are, which is allowed; what they compute may not be.
        graph += node("Mul", [INPUTS[j % len(INPUTS)], weight], f"{weight}*", weight)
        if total is None:
            total = f"{weight}*"
        else:
            graph += node("Add", [total, f"{weight}*"], f"{weight}+", INPUTS[j % len(INPUTS)])
            total = f"{weight}+"
    graph += field(2, '*/"\0\n??/')
    for j, weight in enumerate(WEIGHTS):
        data = struct.pack(f"<{SIZE}f", *(w(j, k) for k in range(SIZE)))
        graph += field(5, field(1, SIZE) + field(2, 1) + field(8, weight) + field(9, data))
    graph += b"".join(field(11, value_info(name)) for name in INPUTS) + field(12, value_info(total))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def write_npy(path, rows):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({SAMPLES}, {SIZE}), }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + array.array("f", rows).tobytes())


def data_path(folder, i):
    return os.path.join(folder, "label,.npy" if i is None else f"x,{i}=.npy")


def escaped(text):
    for plain, escape in (("\\", "\\\\"), (",", "\\,"), ("=", "\\="), ("\0", "\\x00"), ("\n", "\\x0a")):
        text = text.replace(plain, escape)
    return text


def data_option(folder):
    """As --help says: input:NAME for what is called label, or begins with eval- or input:."""
    files = []
    for prefix in ("", "eval-"):
        for i, name in enumerate(INPUTS):
            special = name == "label" or name.startswith(("eval-", "input:"))
            files.append(f"{prefix}{'input:' if special else ''}{escaped(name)}={escaped(data_path(folder, i))}")
        files.append(f"{prefix}label={escaped(data_path(folder, None))}")
    return "--data=npy:" + ",".join(files)


def expected():
    """The losses before and after the step, and the parameters and states behind it, by the names of a checkpoint."""
    def outputs(weights):
        return [[sum(x(j % len(INPUTS), n, k) * weights[j][k] for j in range(len(WEIGHTS))) for k in range(SIZE)] for n in range(SAMPLES)]

    def loss(y):
        return sum((y[n][k] - label(n, k)) ** 2 for n in range(SAMPLES) for k in range(SIZE)) / (SAMPLES * SIZE)

    before = [[w(j, k) for k in range(SIZE)] for j in range(len(WEIGHTS))]
    y, after, tensors = outputs(before), [], {}
    for j, name in enumerate(WEIGHTS):
        gradient = [sum(2 * (y[n][k] - label(n, k)) * x(j % len(INPUTS), n, k) for n in range(SAMPLES)) / (SAMPLES * SIZE) for k in range(SIZE)]
        after.append([before[j][k] - RATE * g / (abs(g) + 1e-8) for k, g in enumerate(gradient)])
        bare = name
        while bare.startswith("parameter/"):
            bare = bare[len("parameter/"):]
        reserved = bare == "__metadata__" or bare.startswith(("adam.m/", "adam.v/", "sgd.momentum/"))
        tensors["parameter/" * reserved + name] = after[j]
        tensors["adam.m/" + name] = [0.1 * g for g in gradient]
        tensors["adam.v/" + name] = [0.001 * g * g for g in gradient]
    return loss(y), loss(outputs(after)), tensors


def read_checkpoint(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__")
    return {name: struct.unpack(f"<{SIZE}f", data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-5)


def run(folder, command):
    saved, again, metrics = (os.path.join(folder, name) for name in ("saved", "again", "metrics"))
    subprocess.run([*command, data_option(folder), "--steps=1", "--shuffle=off", f"--save={saved}", f"--metrics={metrics}"], check=True)
    first, second, tensors = expected()
    with open(metrics) as file:
        said = [json.loads(line) for line in file]
    assert near(said[0]["loss"], first) and near(said[1]["eval_loss"], second), (said, first, second)
    found = read_checkpoint(saved)
    assert found.keys() == tensors.keys(), (sorted(found.keys() - tensors.keys()), sorted(tensors.keys() - found.keys()))
    for name, values in tensors.items():
        assert all(map(near, found[name], values)), (name, found[name], values)
    subprocess.run([*command, "--steps=0", f"--load={saved}", f"--save={again}"], check=True)
    assert read_checkpoint(again) == found


if sys.argv[1] == "run":
    run(sys.argv[2], sys.argv[3:])
else:
    folder = sys.argv[2]
    with open(os.path.join(folder, "names.onnx"), "wb") as file:
        file.write(make_model())
    for i in range(len(INPUTS)):
        write_npy(data_path(folder, i), [x(i, n, k) for n in range(SAMPLES) for k in range(SIZE)])
    write_npy(data_path(folder, None), [label(n, k) for n in range(SAMPLES) for k in range(SIZE)])
