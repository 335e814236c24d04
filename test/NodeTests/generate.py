#!/usr/bin/env python3
"""Writes the node tests of the `onnx` package (PyPI) that libonnx-testdata is too old for: those of opsets 18 to 23.

    generate.py --out=DIR
    run.py --out=... --build=BUILD --list=test/NodeTests/not-passing-newer.txt DIR

Needs onnx 1.19 or newer, whose reference implementation computes what the tests expect; the list was written with 1.23.2.
"""
import argparse
import pathlib

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

OLDEST, NEWEST = 18, 23


def write(case, folder):
    """A test as libonnx-testdata has it; false where an input or output is no tensor, which no test here can be."""
    inputs, outputs = case.data_sets[0]
    if not all(isinstance(value, (numpy.ndarray, numpy.generic, float, int, onnx.TensorProto)) for value in (*inputs, *outputs)):
        return False
    data = folder / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for kind, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
        for i, (value, info) in enumerate(zip(values, infos)):
            tensor = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(numpy.asarray(value), info.name)
            (data / f"{kind}_{i}.pb").write_bytes(tensor.SerializeToString())
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    options = parser.parse_args()
    numpy.random.seed(0)
    written = 0
    for case in collect_testcases(None):
        opset = next((of.version for of in case.model.opset_import if of.domain in ("", "ai.onnx")), 0)
        if OLDEST <= opset <= NEWEST and write(case, options.out / case.name):
            written += 1
    print(f"{written} tests of opsets {OLDEST} to {NEWEST}, onnx {onnx.__version__}")


if __name__ == "__main__":
    main()
