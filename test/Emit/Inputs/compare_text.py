# Compares what two folders' programs say beyond their buffers: `compare_text.py FOLDER FOLDER FACTOR`. Status 1 if the second is more than
# so many times the first.
import os
import re
import sys


def size(folder):
    names = [name for name in ("train.cpp", "train.cu") if os.path.exists(os.path.join(folder, name))]
    with open(os.path.join(folder, names[0])) as file:
        text = file.read()
    beyond, buffers = re.subn(r"^struct Buffers \{.*?^\};\n", "", text, flags=re.MULTILINE | re.DOTALL)
    if not buffers:
        sys.exit(f"{folder}: has no buffers")
    return len(beyond)


first, second = size(sys.argv[1]), size(sys.argv[2])
print(f"{first} and {second} bytes")
sys.exit(second > float(sys.argv[3]) * first)
