# print_model.py MODEL.onnx: what an ONNX file holds, a line a part, read from protobuf's wire format alone (field numbers: onnx.proto).
import struct
import sys


def fields(data):
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield key >> 3, data[at:at + size]
        at += size


def group(data):
    result = {}
    for number, value in fields(data):
        result.setdefault(number, []).append(value)
    return result


def text(message, number):
    return message.get(number, [b""])[0].decode()


def tensor(message):
    kinds = {1: ("float", "f"), 7: ("int64", "q"), 9: ("bool", "?"), 10: ("float16", "e"), 11: ("double", "d")}
    name, code = kinds[message[2][0]]
    dims = [size for size in message.get(1, [])]
    if 9 in message:
        raw = message[9][0]
        values = struct.unpack("<%d%s" % (len(raw) // struct.calcsize(code), code), raw)
    else:
        values = "typed"
    return "%s%s %s" % (name, dims, " ".join("%.9g" % value for value in values) if values != "typed" else values)


def dimension(message):
    return text(message, 2) or str(message.get(1, ["?"])[0])


def declared(message):
    kind = group(group(message[2][0])[1][0])
    return "%s type %d [%s]" % (text(message, 1), kind[1][0], ", ".join(dimension(group(dim)) for dim in group(kind[2][0]).get(1, [])))


model = group(open(sys.argv[1], "rb").read())
print("ir_version", model[1][0], "producer", text(model, 2), "functions", len(model.get(25, [])))
for opset in map(group, model[8]):
    print("opset", repr(text(opset, 1)), opset[2][0])
graph = group(model[7][0])
print("graph", text(graph, 2))
for input in map(group, graph.get(11, [])):
    print("input", declared(input))
for initializer in map(group, graph.get(5, [])):
    print("initializer", text(initializer, 8), tensor(initializer), "external" if 13 in initializer else "")
for node in map(group, graph.get(1, [])):
    names = lambda number: ", ".join(name.decode() for name in node.get(number, []))
    attributes = " ".join(sorted(text(group(attribute), 1) for attribute in node.get(5, [])))
    print("node %s = %s (%s) {%s}" % (names(2), text(node, 4), names(1), attributes))
for info in map(group, graph.get(13, [])):
    print("value", text(info, 1))
for output in map(group, graph.get(12, [])):
    print("output", declared(output))
