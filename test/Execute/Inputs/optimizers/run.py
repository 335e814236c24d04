# Trains the network of cases.py with compiled programs and compares the parameters with those that PyTorch made (OPTIMIZER.json):
#
#     run.py DTC FOLDER OPTIMIZER [STRATEGY...]
#
# A strategy is a mesh, as --mesh takes it ("data:2", "pipe:2"): its checkpoint, states too, must be that of one device.
import argparse
import json
import math
import pathlib
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent.parent))
import cases
import compare_parameters

arguments = argparse.ArgumentParser()
arguments.add_argument("dtc")
arguments.add_argument("folder", type=pathlib.Path)
arguments.add_argument("optimizer")
arguments.add_argument("strategies", nargs="*")
arguments.add_argument("--tolerance", type=float, default=2e-5)
arguments = arguments.parse_args()
folder = arguments.folder
folder.mkdir(parents=True, exist_ok=True)


def save_npy(path, values, shape):
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack(f"<{len(values)}f", *values))


def save_safetensors(path, tensors):
    header, content = {}, b""
    for name, (shape, values) in tensors.items():
        begin, content = len(content), content + struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, len(content)]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


samples = cases.STEPS * cases.BATCH
save_npy(folder / "x.npy", cases.INPUTS, (samples, 6))
save_npy(folder / "y.npy", cases.TARGETS, (samples, 3))
save_safetensors(folder / "initial.safetensors", {name: (shape, cases.PARAMETERS[name]) for name, shape in cases.SHAPES.items()})


def train(options, strategy):
    program, checkpoint = folder / "program", folder / f"{strategy or 'none'}.safetensors"
    ranks = math.prod(int(axis.split(":")[1]) for axis in strategy.split(",")) if strategy else 1
    subprocess.run([arguments.dtc, HERE / "network.dt", f"--optimizer={arguments.optimizer}", *options.split(), "-o", program,
                    *([f"--mesh={strategy}"] if strategy else [])], check=True)
    subprocess.run(["mpirun", "-n", str(ranks), program, f"--data=npy:x={folder / 'x.npy'},label={folder / 'y.npy'}", "--shuffle=off",
                    f"--steps={cases.STEPS}", f"--load={folder / 'initial.safetensors'}", f"--save={checkpoint}"], check=True)
    return {name: list(values) for name, (_, _, values) in compare_parameters.read(checkpoint).items()}


def distance(a, b):
    norm = compare_parameters.norm
    return norm(x - y for x, y in zip(a, b)) / max(norm(b), 1e-30)


problems = []
for case in json.loads((HERE / f"{arguments.optimizer}.json").read_text()):
    trained = train(case["options"], "")
    for name, expected in case["parameters"].items():
        if not (off := distance(trained[name], expected)) <= arguments.tolerance:
            problems.append(f"{case['options']}: '{name}' is {off:.1e} from PyTorch's")
    for strategy in arguments.strategies:
        other = train(case["options"], strategy)
        if other.keys() != trained.keys():
            problems.append(f"{case['options']} {strategy}: {sorted(other)} instead of {sorted(trained)}")
        for name in other.keys() & trained.keys():
            if not (off := distance(other[name], trained[name])) <= arguments.tolerance:
                problems.append(f"{case['options']} {strategy}: '{name}' is {off:.1e} from that of one device")
print("\n".join(problems) or "the same")
sys.exit(bool(problems))
