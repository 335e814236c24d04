# Compares two sequences of losses: `compare_losses.py EXPECTED ACTUAL [--tolerance=2e-4] [--steps=N]`.
#
# Both are JSON lines with "step" and "loss", as --metrics writes them; other lines are passed over. The steps must be the
# same, and each loss within the relative tolerance. Prints the largest difference; exit status 1 if they differ.
import argparse
import json
import math
import sys


def read(path):
    losses = {}
    try:
        with open(path) as file:
            for number, line in enumerate(file, 1):
                record = json.loads(line)
                if "loss" not in record:
                    continue
                if record["step"] in losses:
                    sys.exit(f"{path}:{number}: step {record['step']} stands there twice")
                losses[record["step"]] = record["loss"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path}: {error}")
    if not losses:
        sys.exit(f"{path}: no losses")
    return losses


def compare(expected, actual, tolerance):
    """A message for each step that differs, and the largest relative difference with its step."""
    problems, largest = [], (0.0, min(expected))
    for step in sorted(expected.keys() | actual.keys()):
        if step not in expected or step not in actual:
            problems.append(f"step {step} is only in the {'expected' if step in expected else 'actual'} losses")
            continue
        a, b = expected[step], actual[step]
        if not all(isinstance(loss, (int, float)) and math.isfinite(loss) for loss in (a, b)):
            problems.append(f"step {step}: {a} and {b} are not both finite numbers")
            continue
        difference = abs(a - b) / max(abs(a), sys.float_info.min)
        largest = max(largest, (difference, step))
        if difference > tolerance:
            problems.append(f"step {step}: expected {a}, got {b}: off by {difference:.1e}, allowed {tolerance:.1e}")
    return problems, largest


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="compares two sequences of losses")
    parser.add_argument("expected")
    parser.add_argument("actual")
    parser.add_argument("--tolerance", type=float, default=2e-4, help="relative (2e-4)")
    parser.add_argument("--steps", type=int, help="how many steps there must be")
    arguments = parser.parse_args()
    expected, actual = read(arguments.expected), read(arguments.actual)
    problems, (difference, step) = compare(expected, actual, arguments.tolerance)
    if arguments.steps is not None and len(actual) != arguments.steps:
        problems.append(f"there are {len(actual)} steps, not {arguments.steps}")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(expected)} steps, largest relative difference {difference:.1e} at step {step}")
    sys.exit(1 if problems else 0)
