"""Runs dtc and what it makes in folders of any name: paths.py WHAT MODEL.dt FOLDER BUILD.

    texts     every text and picture, and the source, in each of many folders
    programs  a program, what it reads and writes, with the runtime and temporary files, in a folder whose name has everything
    nvcc      a program for GPUs, by a compiler that calls a shell as nvcc does
    cmake     the emitted source built in a folder whose name has everything that CMake takes; what it does not is refused by name
"""
import array
import os
import shutil
import struct
import subprocess
import sys

NAMES = ["50%off", "%%%%%%%%", "%s%n", "a b", " ", "'", '"', "`touch pwned`", "$(touch pwned)", "$HOME", "back\\slash", "new\nline", "\ttab", "a;b", "#", "&", "|",
         "<>", "(){}", "[x]", "*?", "!", "~", "^", "=", "a,b", ":", "@args", "-o", "--", "\u00fc\u4f60", "\x7f\x01", "...", "n" * 255]
# (A name has at most 255 bytes.)
EVERYTHING = "-50%off '\"`touch pwned`$(touch pwned)$HOME\\ new\nline;#&|<>(){}[x]*?!~^=,:@\u00fc"
FOR_CMAKE = "-50%off '$HOME $(touch pwned) `touch pwned` #&<>(){}*?!~^=,@\u00fc"
NOT_FOR_CMAKE = ['"', ";", "|", "\n"]

what, model, folder, build = sys.argv[1:]
os.chdir(folder)
dtc = shutil.which("dtc")


def run(*command, status=0, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    assert result.returncode == status, f"{command}: status {result.returncode}: {result.stderr}{result.stdout}"
    return result.stderr


def files_in(place):
    return sorted(os.listdir(place))


def texts():
    for name in NAMES:
        os.mkdir(name)
        place = os.path.join(".", name) if name.startswith("-") else name
        copied = os.path.join(place, "m.dt")
        shutil.copy(model, copied)
        run(dtc, copied, "--emit=dist", "--dot", os.path.join(place, "a.dot"), "-o", os.path.join(place, "..", name, "m.mlir"))
        # The second time in the place of the first.
        for _ in range(2 if "%" in name else 1):
            run(dtc, copied, "--emit=source", "-o", os.path.join(place, name), f"--explain={place}/p.svg")
        assert files_in(place) == sorted(["a.dot", "m.dt", "m.mlir", "p.svg", name]), files_in(place)
        assert files_in(os.path.join(place, name)) == ["CMakeLists.txt", "plan.json", "train.cpp"]
    missing = run(dtc, os.path.join("new\nline", "none.dt"), "--emit=nn", status=1)
    assert missing.count("\n") == 1 and missing.startswith("dtc: error: cannot read "), missing
    assert len(files_in(".")) == len(NAMES)
    # Longer than a temporary's name may be with anything added.
    run(dtc, model, "--emit=nn", "-o", "m" * 255)
    run(dtc, model, "--emit=source", "-o", "s" * 255)


def write_npy(path, columns):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': (8, {columns}), }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + array.array("f", range(8 * columns)).tobytes())


def programs():
    os.mkdir(EVERYTHING)
    os.chdir(EVERYTHING)
    shutil.copy(model, "m.dt")
    for place in ("include", "lib"):
        os.symlink(os.path.join(build, place), place)
    os.mkdir("temporary")
    here = os.getcwd()
    environment = dict(os.environ, DTC_RUNTIME_DIR=here, TMPDIR=os.path.join(here, "temporary"))
    run(dtc, os.path.join(here, "m.dt"), "-o", "-program", env=environment)
    write_npy("x", 3)
    write_npy("label", 2)
    escaped = here.replace("\\", "\\\\").replace(",", "\\,")
    program = [os.path.join(here, "-program"), f"--data=npy:x={escaped}/x,label={escaped}/label", "--steps=2"]
    run(*program, f"--save={here}/-saved", f"--metrics={here}/metrics", f"--trace={here}/trace.json", env=environment)
    run("mpirun", "-n", "1", *program, f"--load={here}/-saved", "--save=-saved2", env=environment)
    with open("c.yaml", "w") as file:
        file.write(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cluster.yaml")).read())
    run(dtc, "m.dt", f"--cluster={here}/c.yaml", f"--explain={here}/p.svg", f"--trace={here}/trace.json", env=environment)
    assert files_in(".") == sorted(["-program", "-program.source", "-saved", "-saved2", "c.yaml", "include", "label", "lib", "m.dt", "metrics", "p.svg", "temporary",
                                    "trace.json", "x"]), files_in(".")
    assert not [file for file in files_in("temporary") if file.startswith("dtc")]  # GCC and Open MPI may leave theirs


NVCC = """#!/bin/sh
# Words reach the tools behind it through a shell that expands them.
line=
for word; do line="$line \\"$word\\""; done
eval "set --$line"
for word; do
  case $previous,$word in
  -o,*) out=$word ;;
  *,/*) [ -e "$word" ] || { echo "no $word" >&2; exit 1; } ;;
  esac
  previous=$word
done
echo made > "$out"
"""


def nvcc():
    name = "$(touch pwned) `touch pwned` $HOME"
    os.mkdir(name)
    os.chdir(name)
    here = os.getcwd()
    for place in ("include", "share"):
        os.symlink(os.path.join(build, place), place)
    os.mkdir("lib")
    for file in ("libdtcrt_cuda.a", "libdtcrt_cuda.args"):
        open(os.path.join("lib", file), "w").close()
    with open("../nvcc", "w") as file:
        file.write(NVCC)
    os.chmod("../nvcc", 0o755)
    os.mkdir("../temporary")
    environment = dict(os.environ, DTC_RUNTIME_DIR=here, NVCC=os.path.abspath("../nvcc"), TMPDIR=os.path.abspath("../temporary"))
    run(dtc, model, "--target=cuda", "-o", "program", env=environment)
    assert open("program").read() == "made\n" and os.access("program", os.X_OK)
    assert files_in("../temporary") == [] and files_in("include/dtcrt") and files_in(".") == ["include", "lib", "program", "program.source", "share"]
    # Without a folder for links there is a line, and no command.
    said = run(dtc, model, "--target=cuda", "-o", "other", status=1, env=dict(environment, TMPDIR=here))
    assert said.count("\n") == 1 and "nvcc takes '$' and '`' in paths for commands" in said, said


def cmake():
    for number, character in enumerate(NOT_FOR_CMAKE):
        place = f"a{character}b"
        run(dtc, model, "--emit=source", "-o", place)
        said = run("cmake", "-G", "Ninja", "-S", place, "-B", f"build{number}", status=1)
        # CMake breaks the lines.
        assert "CMake cannot build in" in said and "copy the folder to a path without" in " ".join(said.split()), said
    run(dtc, model, "--emit=source", "-o", FOR_CMAKE)
    run("cmake", "-G", "Ninja", "-S", "./" + FOR_CMAKE, "-B", "./" + FOR_CMAKE + "/build", f"-Ddtcrt_DIR={build}/runtime")
    run("cmake", "--build", "./" + FOR_CMAKE + "/build")
    run("./" + FOR_CMAKE + "/build/train", "--steps=0", "--save=saved")


{"texts": texts, "programs": programs, "nvcc": nvcc, "cmake": cmake}[what]()
for _, folders, files in os.walk(folder):
    assert "pwned" not in files
