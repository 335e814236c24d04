# external_copies.py FOLDER: m.onnx, of which two equal weights lie in m.data.
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../../Inputs")
from write_model import field, node, value_info

FLOAT, EXTERNAL = 1, 1


def weight(name, offset):
    entries = (("location", "m.data"), ("offset", str(offset)), ("length", "256"))
    return (field(1, 8) + field(1, 8) + field(2, FLOAT) + field(8, name) + b"".join(field(13, field(1, key) + field(2, text)) for key, text in entries) +
            field(14, EXTERNAL))


graph = b"".join([field(1, node({"op": "MatMul", "in": ["x", "a"], "out": ["h"]})), field(1, node({"op": "MatMul", "in": ["h", "b"], "out": ["y"]})),
                  field(2, "external"), field(5, weight("a", 0)), field(5, weight("b", 256)), field(11, value_info("x", ["N", 8])),
                  field(12, value_info("y", ["N", 8]))])
with open(sys.argv[1] + "/m.data", "wb") as file:
    file.write(struct.pack("<64f", *range(64)) * 2)
with open(sys.argv[1] + "/m.onnx", "wb") as file:
    file.write(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17)))
