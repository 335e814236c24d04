# write_model.py MODEL.json FILE.onnx: a model whose nodes have names and, as torch.onnx.export(dynamo=True) writes them, scopes; ONNX's text form has
# neither. Byte by byte, since libonnx 1.12 does not know the metadata of nodes (field 9).
#
# {"producer": "pytorch", "inputs": {"x": ["N", 4]}, "outputs": {"y": ["N", 3]},
#  "initializers": {"w": {"shape": [4, 3], "values": [...]}, "c": {"shape": [], "bools": [1]}, "s": {"shape": [2], "ints": [2, -1]}},
#  "nodes": [{"op": "MatMul", "name": "/fc/MatMul", "in": ["x", "w"], "out": ["y"], "scopes": ["fc", "linear"], "ints": {"to": 7}}]}
# Without values a tensor counts in quarters from its position in the file, so that no two are equal.
import json
import math
import struct
import sys

FLOAT, INT64, BOOL = 1, 7, 9
INT = 2


def varint(number):
    number &= (1 << 64) - 1
    bytes_ = bytearray()
    while number > 127:
        bytes_.append(number & 127 | 128)
        number >>= 7
    return bytes(bytes_ + bytearray([number]))


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def value_info(name, shape):
    dims = b"".join(field(1, field(2 if isinstance(size, str) else 1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


def tensor(name, position, spec):
    count = math.prod(spec["shape"])
    if "ints" in spec:
        data_type, data = INT64, struct.pack(f"<{count}q", *spec["ints"])
    elif "bools" in spec:
        data_type, data = BOOL, bytes(spec["bools"])
    else:
        data_type, data = FLOAT, struct.pack(f"<{count}f", *spec.get("values", [position + i / 4 for i in range(count)]))
    return b"".join(field(1, size) for size in spec["shape"]) + field(2, data_type) + field(8, name) + field(9, data)


def node(spec):
    scopes = field(9, field(1, "pkg.torch.onnx.name_scopes") + field(2, repr(["", *spec["scopes"]]))) if "scopes" in spec else b""
    attributes = b"".join(field(5, field(1, name) + field(3, value) + field(20, INT)) for name, value in spec.get("ints", {}).items())
    return (b"".join(field(1, name) for name in spec["in"]) + b"".join(field(2, name) for name in spec["out"]) + field(3, spec.get("name", "")) +
            field(4, spec["op"]) + attributes + scopes)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        model = json.loads(file.read().split("\n\n")[0])  # what follows in a test is another part of it
    graph = b"".join([*(field(1, node(spec)) for spec in model["nodes"]), field(2, "model"),
                      *(field(5, tensor(name, i, spec)) for i, (name, spec) in enumerate(model["initializers"].items())),
                      *(field(11, value_info(*item)) for item in model["inputs"].items()), *(field(12, value_info(*item)) for item in model["outputs"].items())])
    with open(sys.argv[2], "wb") as file:
        file.write(field(1, 10) + field(2, model.get("producer", "pytorch")) + field(7, graph) + field(8, field(1, "") + field(2, 20)))
