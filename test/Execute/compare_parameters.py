# Compares two checkpoints: `compare_parameters.py EXPECTED.safetensors ACTUAL.safetensors [--tolerance=2e-4]`.
#
# Names, types and shapes must be the same, and of each f32 tensor the root of the summed squares of the differences at most
# the tolerance times that of the expected values. (Single elements may differ more: Adam turns a gradient that is rounding
# alone into a whole step.) Prints the largest difference; exit status 1 if they differ.
import argparse
import array
import json
import math
import struct
import sys


def read(path):
    """Name to (type, shape, values)."""
    try:
        with open(path, "rb") as file:
            content = file.read()
        size, = struct.unpack_from("<Q", content)
        header = json.loads(content[8:8 + size])
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            values = array.array({"F32": "f", "I64": "q"}[entry["dtype"]], content[8 + size + begin:8 + size + end])
            if sys.byteorder == "big":
                values.byteswap()
            tensors[name] = (entry["dtype"], entry["shape"], values)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        sys.exit(f"{path}: {error!r}")
    if not tensors:
        sys.exit(f"{path}: no tensors")
    return tensors


def norm(values):
    return math.sqrt(math.fsum(value * value for value in values))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="compares two checkpoints")
    parser.add_argument("expected")
    parser.add_argument("actual")
    parser.add_argument("--tolerance", type=float, default=2e-4, help="relative (2e-4)")
    arguments = parser.parse_args()
    expected, actual = read(arguments.expected), read(arguments.actual)
    problems, largest = [], (0.0, "")
    for name in sorted(expected.keys() | actual.keys()):
        if name not in expected or name not in actual:
            problems.append(f"'{name}' is only in the {'expected' if name in expected else 'actual'} checkpoint")
            continue
        (dtype, shape, a), (other_dtype, other_shape, b) = expected[name], actual[name]
        if (dtype, shape, len(a)) != (other_dtype, other_shape, len(b)):
            problems.append(f"'{name}' is {dtype} {shape} in {len(a)} values and {other_dtype} {other_shape} in {len(b)}")
            continue
        difference = norm(x - y for x, y in zip(a, b)) / max(norm(a), sys.float_info.min)
        if not difference <= arguments.tolerance:
            problems.append(f"'{name}' is off by {difference:.1e}, allowed {arguments.tolerance:.1e}")
        largest = max(largest, (difference, name))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(expected)} tensors, largest relative difference {largest[0]:.1e} of '{largest[1]}'")
    sys.exit(1 if problems else 0)
