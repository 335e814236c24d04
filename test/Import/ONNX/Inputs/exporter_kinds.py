# Writes a model that carries what torch.onnx.export(dynamo=True) says of its initializers, or, with `merged`, of the modules around its nodes:
# `exporter_kinds.py FILE.onnx [merged]`. Byte by byte, since libonnx 1.12 does not know the fields: metadata_props of ValueInfoProto (4) and of
# NodeProto (9), as PyTorch 2.15 writes them.
import struct
import sys


def varint(number):
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


FLOAT = 1


def tensor_type(shape):
    dims = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, field(1, FLOAT) + field(2, dims))


def value(name, shape, metadata=()):
    entries = b"".join(field(4, field(1, key) + field(2, text)) for key, text in metadata)
    return field(1, name) + field(2, tensor_type(shape)) + entries


def initializer(name, shape, values):
    return b"".join(field(1, size) for size in shape) + field(2, FLOAT) + field(8, name) + field(9, struct.pack(f"<{len(values)}f", *values))


def node(op, inputs, output, scopes=None):
    metadata = field(9, field(1, "pkg.torch.onnx.name_scopes") + field(2, repr(["", *scopes, output]))) if scopes else b""
    return b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, op) + metadata


def kind(name):
    return [("pkg.torch.onnx.original_node_name", "p"), ("pkg.torch.export.graph_signature.InputSpec.kind", name)]


def kinds():
    return b"".join([
        field(1, node("Mul", ["x", "weight"], "a")), field(1, node("Add", ["a", "mask"], "b")), field(1, node("Mul", ["b", "lifted"], "c")),
        field(1, node("Mul", ["c", "scale"], "d")), field(1, node("Add", ["d", "table"], "y")), field(2, "kinds"),
        field(5, initializer("weight", [3], [1, 2, 3])), field(5, initializer("mask", [3], [0, 1, 0])), field(5, initializer("lifted", [3], [1, 2, 3])),
        field(5, initializer("scale", [1], [5])), field(5, initializer("table", [400, 3], [1] * 1200)),
        field(11, value("x", [400, 3])), field(12, value("y", [400, 3])),
        field(13, value("weight", [3], kind("PARAMETER"))), field(13, value("mask", [3], kind("BUFFER"))),
        field(13, value("lifted", [3], kind("CONSTANT_TENSOR"))), field(13, value("table", [400, 3], kind("BUFFER")))])


def merged():
    return b"".join([
        field(1, node("Mul", ["x", "a.weight"], "a", ["a"])), field(1, node("Mul", ["a", "a.weight"], "b", ["m", "m.b"])),
        field(1, node("Mul", ["b", "a.weight"], "c", ["m", "m.b"])), field(1, node("Mul", ["c", "d.weight"], "d", ["d"])),
        field(1, node("Mul", ["d", "d.weight"], "y", ["e"])), field(2, "merged"),
        field(5, initializer("a.weight", [3], [1, 1, 1])), field(5, initializer("d.weight", [3], [1, 2, 3])),
        field(11, value("x", [2, 3])), field(12, value("y", [2, 3]))])


graph = merged() if sys.argv[2:] == ["merged"] else kinds()
with open(sys.argv[1], "wb") as file:
    file.write(field(1, 10) + field(7, graph) + field(8, field(1, "") + field(2, 20)))
