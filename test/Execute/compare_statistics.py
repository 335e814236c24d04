# Compares running statistics: `compare_statistics.py EXPECTED.json CHECKPOINT.safetensors`.
#
# Each list of the JSON file must be in the checkpoint under its name, the root of the summed squares of the differences at most 1e-4 times
# that of the expected values. Exit status 1 if one is missing or differs.
import json
import sys

from compare_parameters import norm, read

TOLERANCE = 1e-4

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: compare_statistics.py EXPECTED.json CHECKPOINT.safetensors")
    with open(sys.argv[1]) as file:
        expected = json.load(file)
    actual, largest = read(sys.argv[2]), 0.0
    for name, values in expected.items():
        if name not in actual or len(actual[name][2]) != len(values):
            sys.exit(f"'{name}' is not in the checkpoint, or of another shape")
        difference = norm(a - b for a, b in zip(values, actual[name][2])) / norm(values)
        if not difference <= TOLERANCE:
            sys.exit(f"'{name}' is off by {difference:.1e}, allowed {TOLERANCE:.1e}")
        largest = max(largest, difference)
    print(f"{len(expected)} statistics, largest relative difference {largest:.1e}")
    sys.exit(0 if expected else 1)
