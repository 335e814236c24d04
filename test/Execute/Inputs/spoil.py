"""Makes the values of a checkpoint's tensor NaN: `spoil.py IN.safetensors TENSOR OUT.safetensors`."""
import json
import struct
import sys

content = bytearray(open(sys.argv[1], "rb").read())
size, = struct.unpack_from("<Q", content)
begin, end = json.loads(content[8:8 + size])[sys.argv[2]]["data_offsets"]
content[8 + size + begin:8 + size + end] = b"\0\0\xc0\x7f" * ((end - begin) // 4)
open(sys.argv[3], "wb").write(content)
