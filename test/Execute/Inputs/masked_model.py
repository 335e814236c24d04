# A linear layer whose weights above the diagonal a mask of 300 x 300 takes away, as ONNX's text: `masked_model.py write FOLDER`, with samples for it;
# `masked_model.py check FOLDER METRICS PARAMETERS`: the first loss is the one computed here, and training moved the weights that the mask keeps and no other.
import array
import json
import os
import random
import struct
import sys

SIZE, SAMPLES, WEIGHT = 300, 8, 0.125


def numbers(seed):
    generator = random.Random(seed)
    return [generator.randrange(-8, 9) / 8 for _ in range(SAMPLES * SIZE)]


def write_npy(path, values):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({SAMPLES}, {SIZE}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.array("f", values).tobytes())


def read_weights(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        at = header["w"]["data_offsets"]
        file.seek(at[0], os.SEEK_CUR)
        return array.array("f", file.read(at[1] - at[0]))


def write(folder):
    weights = ", ".join([str(WEIGHT)] * SIZE * SIZE)
    with open(f"{folder}/masked.onnxtxt", "w") as file:
        file.write(f"""<ir_version: 8, opset_import: ["" : 17]>
masked (float[N, {SIZE}] x) => (float[N, {SIZE}] y)
<float[{SIZE}, {SIZE}] w = {{{weights}}}, int64[2] shape = {{{SIZE}, {SIZE}}}> {{
  ones = ConstantOfShape <value = float[1] {{1.0}}> (shape)
  lower = Trilu <upper = 0> (ones)
  mask = Cast <to = 9> (lower)
  nothing = Constant <value = float {{0.0}}> ()
  kept = Where (mask, w, nothing)
  y = MatMul (x, kept)
}}
""")
    write_npy(f"{folder}/x.npy", numbers(1))
    write_npy(f"{folder}/label.npy", numbers(2))


def check(metrics, parameters):
    x, label = numbers(1), numbers(2)
    loss = 0.0
    for sample in range(SAMPLES):
        behind = 0.0
        for column in reversed(range(SIZE)):
            behind += x[sample * SIZE + column] * WEIGHT # rows below the diagonal of this column
            loss += (behind - label[sample * SIZE + column]) ** 2
    loss /= SAMPLES * SIZE
    with open(metrics) as file:
        found = json.loads(file.readline())["loss"]
    assert abs(found - loss) < 1e-5 * loss, f"the first loss is {found}, not {loss}"
    weights = read_weights(parameters)
    moved = [(row, column) for row in range(SIZE) for column in range(SIZE) if weights[row * SIZE + column] != WEIGHT]
    assert all(column <= row for row, column in moved), "training moved weights that the mask takes away"
    # A few gradients are exactly 0.
    assert len(moved) > 0.95 * SIZE * (SIZE + 1) / 2, f"training moved {len(moved)} weights"


if sys.argv[1] == "write":
    write(sys.argv[2])
else:
    check(*sys.argv[3:])
