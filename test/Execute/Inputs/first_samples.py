# Writes the first samples of an IDX data set: `first_samples.py FROM TO TRAIN TEST` takes so many of the training and test
# samples, which saves the tests the evaluation on all of them.
import gzip
import pathlib
import struct
import sys


def shorten(source, target, count):
    with gzip.open(source) as file:
        magic = file.read(4)
        extents = [struct.unpack(">I", file.read(4))[0] for _ in range(magic[3])]
        size = 1
        for extent in extents[1:]:
            size *= extent
        data = file.read(count * size)
    with open(target, "wb") as file:
        file.write(magic + struct.pack(">I", count) + struct.pack(f">{len(extents) - 1}I", *extents[1:]) + data)


source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
target.mkdir(parents=True, exist_ok=True)
for split, count in (("train", int(sys.argv[3])), ("t10k", int(sys.argv[4]))):
    for kind in ("images-idx3", "labels-idx1"):
        shorten(source / f"{split}-{kind}-ubyte.gz", target / f"{split}-{kind}-ubyte", count)
