# Six samples and what models that mix them make of the last, partial batch of four: `mixed_samples.py FOLDER`.
#
# Writes x.npy and label.npy [6, 3], and for each model of partial-batch-mixed.test the losses of an epoch with lr=0, from
# the formula and the samples that are there alone: center.jsonl, sum.jsonl, softmax.jsonl, gram.jsonl.
import json
import math
import random
import struct
import sys


def write_npy(path, rows):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        for row in rows:
            file.write(struct.pack(f"<{len(row)}f", *row))


def columns(x):
    return list(zip(*x))


def center(x):
    means = [sum(column) / len(x) for column in columns(x)]
    return [[v - mean for v, mean in zip(row, means)] for row in x]


def add_sum(x):
    sums = [sum(column) for column in columns(x)]
    return [[v + total for v, total in zip(row, sums)] for row in x]


def softmax(x):
    totals = [sum(map(math.exp, column)) for column in columns(x)]
    return [[math.exp(v) / total for v, total in zip(row, totals)] for row in x]


def gram(x):
    products = [[sum(a * b for a, b in zip(left, right)) for right in columns(x)] for left in columns(x)]
    return [[sum(v * products[i][j] for i, v in enumerate(row)) for j in range(len(row))] for row in x]


if __name__ == "__main__":
    folder = sys.argv[1]
    generator = random.Random(6)
    x, label = ([[generator.gauss(0, 1) for _ in range(3)] for _ in range(6)] for _ in range(2))
    write_npy(f"{folder}/x.npy", x)
    write_npy(f"{folder}/label.npy", label)
    for name, model in {"center": center, "sum": add_sum, "softmax": softmax, "gram": gram}.items():
        with open(f"{folder}/{name}.jsonl", "w") as file:
            for step, first in enumerate((0, 4), 1):
                batch = slice(first, first + 4)
                y, t = model(x[batch]), label[batch]
                loss = sum((a - b) ** 2 for ys, ts in zip(y, t) for a, b in zip(ys, ts)) / (len(y) * 3)
                print(json.dumps({"step": step, "loss": loss}), file=file)
