#!/usr/bin/env python3
# Fuzzes the importers with libFuzzer under ASan and UBSan: binary and text ONNX, and the model language.
#
#   fuzz.py FOLDER [--seconds=3600] [--targets=OnnxBinary,OnnxText,Language] [--bin=build/release/bin]
#
# Build the targets first: `ninja -C build/release dtc-fuzz` (LLVM's clang with its libclang-rt package). Seeds are test/fuzz/corpus, the models
# and inputs of the tests and, if installed, ONNX's node tests (libonnx-testdata); the corpus grows in FOLDER/<target>. What crashes, hangs (25 s)
# or takes more than 4 GiB lands in FOLDER/<target>.findings, minimised. A finding, once fixed, goes to test/fuzz/corpus/<target>, which FuzzCorpusTests
# replays. Status 1 if there are findings.
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEEDS = {
    "OnnxBinary": ["/usr/share/libonnx-testdata/data/node/*/model.onnx", f"{ROOT}/test/Unit/Import/Inputs/node/*/model.onnx"],
    "OnnxText": [f"{ROOT}/test/Import/ONNX/*.test", f"{ROOT}/test/Import/ONNX/Inputs/*.onnxtxt", f"{ROOT}/examples/**/*.onnxtxt"],
    "Language": [f"{ROOT}/test/Import/DSL/*.dt", f"{ROOT}/examples/**/*.dt"],
}
# libMLIR is not instrumented: what its allocators poison and containers annotate in our code only would look wrong in its.
SANITIZERS = {"ASAN_OPTIONS": "detect_container_overflow=0:allow_user_poisoning=0:detect_leaks=0:allocator_may_return_null=1",
              "UBSAN_OPTIONS": "print_stacktrace=1"}


def words(target):
    """A dictionary: operators and attributes of ONNX, or built-in functions and words of the language, as the sources spell them."""
    folder = "DSL" if target == "Language" else "ONNX"
    found = {"location", "offset", "length", "ai.onnx", "int64", "float", "bool"} if folder == "ONNX" else {"|>", "->", "**"}
    for path in glob.glob(f"{ROOT}/lib/Import/{folder}/**/*.cpp", recursive=True):
        with open(path) as file:
            found.update(re.findall(r'"([A-Za-z_][A-Za-z0-9_]{1,30})"', file.read()))
    return found


def texts(path):
    """The models in a test of ONNX's text form, else the whole file."""
    with open(path, "rb") as file:
        data = file.read()
    return [part for part in re.split(rb"(?m)^(?=<\s*ir_version)", data) if part.startswith(b"<")] if path.endswith(".test") else [data]


def seed(target, folder):
    os.makedirs(folder, exist_ok=True)
    paths = glob.glob(f"{ROOT}/test/fuzz/corpus/{target}/*")
    for pattern in SEEDS[target]:
        paths += glob.glob(pattern, recursive=True)
    number = 0
    for path in sorted(paths):
        for data in texts(path):
            if len(data) < 1 << 14:
                with open(f"{folder}/seed{number}", "wb") as file:
                    file.write(data)
                number += 1


def fuzz(target, arguments):
    program, folder = f"{arguments.bin}/Fuzz{target}", f"{arguments.folder}/{target}"
    findings = f"{folder}.findings"
    seed(target, folder)
    os.makedirs(findings, exist_ok=True)
    with open(f"{folder}.dict", "w") as file:
        file.writelines(f'"{word}"\n' for word in sorted(words(target)))
    environment = {**os.environ, **SANITIZERS}
    options = ["-timeout=25", "-rss_limit_mb=4096", "-malloc_limit_mb=4096"]
    log = f"{folder}.log"
    with open(log, "w") as file:
        subprocess.run([program, folder, f"-dict={folder}.dict", f"-max_total_time={arguments.seconds}", "-max_len=16384", "-fork=1", "-ignore_crashes=1",
                        "-ignore_timeouts=1", "-ignore_ooms=1", *options, f"-artifact_prefix={findings}/"], env=environment, stderr=file, check=False)
    found = sorted(path for path in glob.glob(f"{findings}/*-*") if not path.endswith(".min"))
    for path in found:
        subprocess.run([program, "-minimize_crash=1", "-max_total_time=30", *options, f"-exact_artifact_path={path}.min", path], env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if not os.path.exists(path + ".min"):
            shutil.copy(path, path + ".min")
    with open(log) as file:
        runs = re.findall(r"^#(\d+): cov: (\d+)", file.read(), re.M)
    print(f"{target}: {runs[-1][0] if runs else 0} runs, {runs[-1][1] if runs else 0} edges, {len(found)} findings", flush=True)
    for path in found:
        print(f"  {path}")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--targets", default=",".join(SEEDS))
    parser.add_argument("--bin", default=f"{ROOT}/build/release/bin")
    arguments = parser.parse_args()
    sys.exit(1 if [path for target in arguments.targets.split(",") for path in fuzz(target, arguments)] else 0)


main()
