# An ONNX model whose one node is named by what terminals act on and reads an undefined value: model_of_escapes.py FILE.
import sys


def field(number, value):
    """A field of protobuf's wire format: an integer, or bytes behind their length."""
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


name = "\x1b]0;title\x07\u009b2J\u202e".encode()
node = field(1, b"nowhere") + field(2, b"y") + field(3, name) + field(4, b"Relu")
shape = field(2, field(1, field(1, 1) + field(2, field(1, field(1, 2)))))
graph = field(1, node) + field(2, b"g") + field(11, field(1, b"x") + shape) + field(12, field(1, b"y"))
with open(sys.argv[1], "wb") as file:
    file.write(field(1, 8) + field(7, graph) + field(8, field(2, 17)))
