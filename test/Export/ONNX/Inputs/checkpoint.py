# checkpoint.py FILE NAME=DTYPE:SHAPE:VALUES...: a file of the format safetensors; shape and values with commas, F32 or F64.
import json
import struct
import sys

header, data = {"__metadata__": {"step": "3"}}, b""
for argument in sys.argv[2:]:
    name, text = argument.split("=")
    dtype, shape, values = text.split(":")
    numbers = [float(value) for value in values.split(",")]
    piece = struct.pack("<%d%s" % (len(numbers), {"F32": "f", "F64": "d"}[dtype]), *numbers)
    header[name] = {"dtype": dtype, "shape": [int(size) for size in shape.split(",") if size], "data_offsets": [len(data), len(data) + len(piece)]}
    data += piece
text = json.dumps(header).encode()
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
