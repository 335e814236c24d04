#!/usr/bin/env python3
"""Compiles and runs ONNX's backend tests, and compares which do not pass with a list of them.

    run.py --out=DIR --build=BUILD --list=FILE FOLDER...

`dtc-node-tests` writes the programs, the host's compiler compiles them with the flags of emitted programs but for -O1, and the driver runs them. The
report, DIR/report.txt, has a line an operator. The list names every test that does not pass with its reason, and
the importer's operators that no test is of; --update writes it.
Fails if it differs, or if less than 95 % of the tests in scope pass.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def generate(out, folders, only):
    """Of each test its name, what became of it, its operators, and what there is to say."""
    command = ["dtc-node-tests", f"--out={out}", *folders] + ([f"--only={only}"] if only else [])
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"dtc-node-tests failed:\n{done.stdout[-200:]}\n{done.stderr[-3000:]}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def build(out, build_folder, compiler):
    """The driver with all programs."""
    flags = (build_folder / "lib/libdtcrt_cpu.args").read_text().split()
    libraries = [flag.strip('"') for flag in flags if flag.startswith('"')]
    flags = ["-O1" if flag == "-O3" else flag for flag in flags if not flag.startswith('"')]
    launcher = [shutil.which("ccache")] if shutil.which("ccache") else []
    sources = sorted(out.glob("tests_*.cpp")) + [HERE / "driver.cpp"]

    def compile_one(source):
        target = out / (source.stem + ".o")
        command = [*launcher, compiler, *flags, "-w", "-I", build_folder / "include", "-I", HERE, "-c", source, "-o", target]
        done = subprocess.run(command, capture_output=True, text=True)
        return target, done.stderr if done.returncode else ""

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, sources))
    for target, error in objects:
        if error:
            sys.exit(f"{target.stem}.cpp does not compile:\n{error[:4000]}")
    program = out / "node-tests"
    subprocess.run([compiler, *(target for target, _ in objects), "-o", program, build_folder / "lib/libdtcrt_cpu.a", *flags, *libraries], check=True)
    return program


def run(program, out):
    """What the driver says of each test."""
    done = subprocess.run([program, out / "tests.data"], capture_output=True, text=True)
    results = dict(line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    if done.returncode not in (0, 1):
        sys.exit(f"the programs ended with {done.returncode} behind {list(results)[-1:]}: {done.stderr[-3000:]}")
    return results


def report(tests, out):
    """A line an operator: how many of its tests are in scope, how many pass, and why others do not."""
    operators = collections.defaultdict(lambda: [0, 0])
    for name, kind, used, _ in tests:
        for operator in used.split(",") if kind != "excluded" else []:
            operators[operator][0] += 1
            operators[operator][1] += kind == "passed"
    lines = [f"{operator} {passed} of {scope}\n" for operator, (scope, passed) in sorted(operators.items())]
    (out / "report.txt").write_text("".join(lines))


def supported():
    """The importer's operators."""
    done = subprocess.run(["dtc-import-test", "--list-operators"], capture_output=True, text=True, check=True)
    return [row.split("|")[1].strip() for row in done.stdout.splitlines()]


def listing(tests):
    """Every test that does not pass, by reason, and the importer's operators that no passing test uses."""
    reasons = collections.defaultdict(list)
    tested = {operator for _, kind, used, _ in tests if kind == "passed" for operator in used.split(",")}
    reasons["supported without a test"] += [operator for operator in supported() if operator not in tested]
    for name, kind, _, reason in tests:
        if kind != "passed":
            reasons[f"{kind}: {reason}"].append(name)
    return "".join(f"{reason}\n" + "".join(f"  {name}\n" for name in sorted(names)) for reason, names in sorted(reasons.items()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--build", required=True, type=pathlib.Path, help="of dtc: where lib/libdtcrt_cpu.a is")
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--list", required=True, type=pathlib.Path)
    parser.add_argument("--only", help="one test alone")
    parser.add_argument("--update", action="store_true", help="write the list")
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    tests = generate(options.out, options.folders, options.only)
    results = run(build(options.out, options.build, options.compiler), options.out)
    for test in tests:
        if test[1] == "compiled":
            result = results.get(test[0], "did not run")
            test[1], test[3] = ("passed", "") if result == "passed" else ("failed", result)
    report(tests, options.out)
    counts = collections.Counter(kind for _, kind, _, _ in tests)
    scope = len(tests) - counts["excluded"]
    print(f"{len(tests)} tests, {scope} in scope: {counts['passed']} pass, {counts['refused']} are refused, {counts['failed']} fail")
    found = listing(tests)
    (options.out / "list.txt").write_text(found)
    if options.update:
        options.list.write_text(found)
    if options.only:
        print(found)
        return 0
    if counts["failed"] or counts["passed"] < 0.95 * scope:
        print("".join(f"{name}: {reason}\n" for name, kind, _, reason in tests if kind == "failed"), end="")
        print("too few pass")
        return 1
    if subprocess.run(["diff", options.list, options.out / "list.txt"]).returncode:
        print(f"{options.list} says otherwise which tests do not pass")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
