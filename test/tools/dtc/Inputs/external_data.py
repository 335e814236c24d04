"""external_data.py FOLDER: m.onnx there, y = x * w, whose w lies in weights.bin beside it."""
import os
import struct
import sys


# Protobuf: a field is its number and type, and then a number, or a length and bytes.
def field(number, content):
    if isinstance(content, int):
        return bytes([number << 3, content])
    content = content.encode() if isinstance(content, str) else content
    return bytes([number << 3 | 2, len(content)]) + content


value = field(2, field(1, field(1, 1) + field(2, field(1, field(2, "N")) + field(1, field(1, 3)))))
entry = field(13, field(1, "location") + field(2, "weights.bin"))
graph = field(1, field(1, "x") + field(1, "w") + field(2, "y") + field(3, "mul") + field(4, "Mul")) + field(2, "m")
graph += field(5, field(1, 3) + field(2, 1) + field(8, "w") + entry + field(14, 1))
graph += field(11, field(1, "x") + value) + field(12, field(1, "y") + value)
with open(os.path.join(sys.argv[1], "m.onnx"), "wb") as file:
    file.write(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
with open(os.path.join(sys.argv[1], "weights.bin"), "wb") as file:
    file.write(struct.pack("<3f", 1, 2, 3))
