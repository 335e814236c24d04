# half_model.py FILE Cast|Mul: y = x * half * exact, whose initializers are float16, which ONNX's text form cannot say, read by a Cast or directly.
import sys


# Protobuf: a field is its number and type, and then a number, or a length and bytes.
def number_of(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number_of(value >> 7)


def field(number, content):
    if isinstance(content, int):
        return number_of(number << 3) + number_of(content)
    content = content.encode() if isinstance(content, str) else content
    return number_of(number << 3 | 2) + number_of(len(content)) + content


def node(operator, inputs, output, *attributes):
    return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, operator) + b"".join(attributes))


value = field(2, field(1, field(1, 1) + field(2, field(1, field(2, "N")) + field(1, field(1, 2)))))
graph, factors = field(2, "m"), []
for name in ("half", "exact"):
    graph += field(5, field(1, 2) + field(2, 10) + field(8, name) + field(9, b"\0" * 4))
    factors.append(name)
    if sys.argv[2] == "Cast":
        graph += node("Cast", [name], name + ".wide", field(5, field(1, "to") + field(3, 1) + field(20, 2)))
        factors[-1] += ".wide"
graph += node("Mul", ["x", factors[0]], "p") + node("Mul", ["p", factors[1]], "y")
graph += field(11, field(1, "x") + value) + field(12, field(1, "y") + value)
with open(sys.argv[1], "wb") as file:
    file.write(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
