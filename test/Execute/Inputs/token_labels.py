# Tokens with labels of which many are -100: `token_labels.py FOLDER` writes NumPy files for training (300 samples, so that the last of the
# batches of 16 is a partial one) and for a test (40), and weights of 12 classes.
#
# How many labels count differs from sample to sample and from one part of a batch to the next: some samples have none, some all.
import array
import pathlib
import random
import struct
import sys

TOKENS, CLASSES, IGNORED = 6, 12, -100
WEIGHTS = [0.25 + 0.25 * (c % 5) for c in range(CLASSES)]


def samples(count, seed):
    """Ids and labels, lists of lists."""
    generator = random.Random("dtc tokens " + seed)
    ids, labels = [], []
    for sample in range(count):
        ids.append([int(generator.random() * 20) for _ in range(TOKENS)])
        # Parts of 4 samples, as microbatches and ranks have them, take turns in how much of them counts.
        part = (0.1, 0.9, 0.4, 1.0)[sample // 4 % 4]
        labels.append([(7 * id + 3) % CLASSES if generator.random() < part else IGNORED for id in ids[-1]])
    return ids, labels


def write(path, kind, shape, values):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = array.array({"<i8": "q", "<f4": "f"}[kind], values)
    if sys.byteorder == "big":
        data.byteswap()
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data.tobytes())


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 300), ("test", 40)):
        for suffix, rows in zip("xy", samples(count, name)):
            write(folder / f"{name}-{suffix}.npy", "<i8", (count, TOKENS), (value for row in rows for value in row))
    write(folder / "nothing-y.npy", "<i8", (300, TOKENS), [IGNORED] * (300 * TOKENS))
    write(folder / "weights.npy", "<f4", (CLASSES,), WEIGHTS)
