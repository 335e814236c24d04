# Fashion-MNIST with a yes, a no or a maybe for each class instead of a class: `binary_targets.py FROM TO TRAIN TEST` writes the
# first TRAIN samples of the training set, and the TEST samples behind them, as NumPy files.
import array
import gzip
import pathlib
import struct
import sys


def targets(label):
    """The sample's own class; what is beside it is as probable as not, and less."""
    return [{label: 1.0, (label + 1) % 10: 0.5, (label + 2) % 10: 0.25}.get(other, 0.0) for other in range(10)]


def read(path, header, size, count):
    with gzip.open(path) as file:
        file.read(header)
        return file.read(size * count)


def write(path, shape, values):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = array.array("f", values)
    if sys.byteorder == "big":
        data.byteswap()
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data.tobytes())


if __name__ == "__main__":
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    counts = int(sys.argv[3]), int(sys.argv[4])
    target.mkdir(parents=True, exist_ok=True)
    images = read(source / "train-images-idx3-ubyte.gz", 16, 784, sum(counts))
    labels = read(source / "train-labels-idx1-ubyte.gz", 8, 1, sum(counts))
    pixels = [value / 255 for value in range(256)]
    begin = 0
    for name, count in zip(("train", "test"), counts):
        end = begin + count
        write(target / f"{name}-x.npy", (count, 1, 28, 28), (pixels[byte] for byte in images[784 * begin:784 * end]))
        write(target / f"{name}-y.npy", (count, 10), (value for label in labels[begin:end] for value in targets(label)))
        begin = end
