# Whether all copies of a shared weight have the same bits after training: `tied_copies.py BUILD MODEL RANKS FOLDER [OPTION…]`.
#
# A checkpoint holds one copy of each parameter. So the emitted source is changed before it is compiled: every stage but the
# first that has a parameter, or its optimizer's state, gives it a name of its own. The copies begin alike, by a checkpoint.
import json
import os
import re
import struct
import subprocess
import sys

build, model, ranks, folder, *options = sys.argv[1:]


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Checkpoint:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.content = bytearray(file.read())
        size, = struct.unpack_from("<Q", self.content)
        self.begin = 8 + size
        self.entries = json.loads(self.content[8:self.begin])

    def place(self, name):
        begin, end = self.entries[name]["data_offsets"]
        return slice(self.begin + begin, self.begin + end)


run(os.path.join(build, "bin", "dtc"), model, *options, "--emit=source", "-o", os.path.join(folder, "source"))
path = os.path.join(folder, "source", "train.cpp")
with open(path) as file:
    parts = re.split(r"(?=^namespace stage\d+ \{)", file.read(), flags=re.MULTILINE)
known, copies = set(), {}
for index, part in enumerate(parts):
    # A tensor's own name is that in the checkpoint.
    for section in re.findall(r"^  // (?:Parameters|State of the optimizer)\.$.*?^$", part, flags=re.MULTILINE | re.DOTALL):
        changed = section
        for name in re.findall(r'"([^"]+)", \d+', section):
            if name in known:
                copies[f"{name}.copy{index}"] = name
                changed = changed.replace(f'"{name}", ', f'"{name}.copy{index}", ')
            known.add(name)
        part = part.replace(section, changed)
    parts[index] = part
with open(path, "w") as file:
    file.write("".join(parts))
program = os.path.join(folder, "train")
library = os.path.join(build, "lib", "libdtcrt_cpu")
run(os.environ.get("CXX", "c++"), "-I", os.path.join(build, "include"), path, "-o", program, library + ".a", f"@{library}.args")

first, last = os.path.join(folder, "first.safetensors"), os.path.join(folder, "last.safetensors")
train = ["mpirun", "-n", ranks, program, "--data=synthetic"]
run(*train, "--steps=0", f"--save={first}")
begin = Checkpoint(first)
for copy, name in copies.items():
    begin.content[begin.place(copy)] = begin.content[begin.place(name)]
with open(first, "wb") as file:
    file.write(begin.content)
run(*train, "--steps=20", f"--load={first}", f"--save={last}")
end = Checkpoint(last)
same = 0
for copy, name in copies.items():
    if end.content[end.place(name)] == begin.content[begin.place(name)]:
        sys.exit(f"'{name}' was not trained")
    if end.content[end.place(copy)] != end.content[end.place(name)]:
        sys.exit(f"'{copy}' differs from '{name}'")
    same += 1
print(f"{same} copies have the same bits: {' '.join(sorted(copies))}")
