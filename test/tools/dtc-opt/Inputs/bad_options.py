# Tries what is wrong on every option of every pass and pipeline of dtc: `bad_options.py MODEL.mlir`. Each attempt must end in one
# diagnostic: not in an abort, and not in silence. Passes and options are those of `dtc-opt --help`; one that this table does not know is a
# mistake too.
import concurrent.futures
import re
import subprocess
import sys

MODEL = sys.argv[1]
HUGE = "9223372036854775807"
NUMBERS = ["0", "-1", "-9223372036854775808", HUGE, "99999999999999999999", "two"]
SIZES = ["-1", "-9223372036854775808", "99999999999999999999", "two"]  # 0 is any, and none is too large
BYTES = ["0", *SIZES]
SPEEDS = ["0", "-1", "nan", "inf", "fast", "1,1,1", "1,,1"]
MESHES = ["data:0", "data:-1", "data:two", "data", ":2", "data:99999999999999999999", "data:1048577", "data:2,data:2", "data:1048576,pipe:1048576",
          "data:4294967296,pipe:4294967296"]
CHOICES, FLAGS = ["", "foo"], ["maybe", "2"]
NAMES = ["foo"]  # what there is none of

PIPELINE = {"devices": NUMBERS, "mesh": [*MESHES, "foo:2", "data:1,foo:2"], "bucket-bytes": BYTES, "microbatches": NUMBERS, "schedule": CHOICES,
            "stages-per-device": NUMBERS, "cut-after": [], "cluster": [], "device-speeds": SPEEDS, "device-memory": SIZES,
            "recompute": FLAGS, "zero": NUMBERS[1:] + ["2"]}
STAGES = PIPELINE | {"output": NAMES, "batch-statistics": CHOICES, "precision": CHOICES, "target": CHOICES, "recognise": FLAGS}


def first_of(table):
    return {option: values[:1] for option, values in table.items()}


SHARDED = ["--dtc-to-grad", "--dtc-shard-batch=mesh=pipe:2 microbatches=2 mark-sums=true"]
# What goes before; options with wrong values. What only a pipeline of stages reads is tried below.
PASSES = {
    "dtc-to-rt": ([], STAGES),
    # These read their options in the same way: one value of each shows that they do.
    "dtc-to-grad": ([], first_of(STAGES)),
    "dtc-to-dist": ([], first_of(STAGES)),
    "dtc-to-fused": ([], first_of(STAGES)),
    "dtc-partition": (["--dtc-to-grad"], first_of(PIPELINE)),
    "dtc-recognise-loss": ([], {"output": NAMES}),
    "dtc-store-constants": ([], {"most": SIZES}),
    "dtc-mask-padding": ([], {"output": NAMES}),
    "dtc-differentiate-graph": ([], {"output": NAMES, "batch-statistics": CHOICES}),
    "dtc-lower-precision": (["--dtc-to-grad"], {"precision": CHOICES}),
    "dtc-shard-batch": (["--dtc-to-grad"], {"axis": [""], "devices": NUMBERS, "microbatches": NUMBERS, "fewer": FLAGS, "speeds": SPEEDS,
                                            "mark-sums": FLAGS, "mesh": MESHES}),
    "dtc-form-timelines": ([*SHARDED, "--dtc-assign-stages"], {"axis": ["", "foo"], "schedule": CHOICES, "recompute": FLAGS, "bucket-bytes": BYTES}),
    "dtc-assign-stages": (SHARDED, {"axis": ["", "foo"], "stages-per-device": NUMBERS, "schedule": CHOICES, "cluster": ["/nonexistent/cluster.yaml"],
                                    "device-memory": SIZES, "device-speeds": SPEEDS, "cut-after": NAMES}),
    "dtc-shard-tensor": (["--dtc-to-grad", "--dtc-shard-batch=mesh=tensor:2"], {"axis": [], "cluster": ["/nonexistent/cluster.yaml"]}),
    "dtc-shard-state": (["--dtc-to-grad", "--dtc-shard-batch=devices=2"], {"axis": []}),
    "dtc-fuse-elementwise": (["--dtc-to-dist"], {"apart": FLAGS}),
    "dtc-lower-to-runtime": (["--dtc-to-dist", "--dtc-fuse"], {"mark-ops": FLAGS}),
    "dtc-plan-memory": (["--dtc-to-rt"], {"device-memory": SIZES}),
}
# In a pipeline of stages.
STAGED = {"dtc-to-dist": first_of(PIPELINE) | {"microbatches": NUMBERS[1:], "cut-after": NAMES, "mesh": [],
                                             "cluster": ["/nonexistent/cluster.yaml"]}}

# What has no meaning for MODEL, which has a recipe and no loss of its own.
OTHER_MODELS = {"dtc-recognise-loss"}


def dtc_opt(*arguments):
    return subprocess.run(["dtc-opt", MODEL, "-o", "/dev/null", *arguments], capture_output=True, text=True)


def known():
    """Pass or pipeline to its options, as --help has them: indented below it."""
    found, name = {}, None
    for line in subprocess.run(["dtc-opt", "--help"], capture_output=True, text=True, check=True).stdout.splitlines():
        if match := re.match(r"( +)--(dtc-[a-z0-9-]+)\b", line):
            indent, name = len(match[1]), match[2]
            found[name] = set()
        elif (match := re.match(r"( +)--([a-z][a-z0-9-]*)", line)) and name and len(match[1]) > indent:
            found[name].add(match[2])
        elif re.match(r" *--", line):
            name = None
    return {name: options for name, options in found.items() if options}


def attempt(name, prepared, base, option, value):
    result = dtc_opt(*prepared, f"--{name}={base}{option}={value}")
    spelled = f"{name}={base}{option}={value}"
    if result.returncode == 0:
        return f"{spelled}: accepted"
    if result.returncode != 1 or not re.search(r"error|rror:|nvalid|expected|Cannot find|for the --", result.stderr) or "PLEASE submit" in result.stderr:
        return f"{spelled}: status {result.returncode}: {result.stderr[:300]}"
    return None


problems = []
options = known()
for name in sorted(options.keys() | PASSES.keys()):
    if name not in PASSES or name not in options:
        problems.append(f"{name} is only {'in the table' if name in PASSES else 'in --help'}")
    elif options[name] != PASSES[name][1].keys():
        problems.append(f"{name}: the options {sorted(options[name] ^ PASSES[name][1].keys())} are only in the table or in --help")
tries = [(name, prepared, "", option, value) for name, (prepared, values) in PASSES.items() for option, wrong in values.items() for value in wrong]
tries += [(name, PASSES[name][0], "mesh=pipe:2 ", option, value) for name, values in STAGED.items() for option, wrong in values.items() for value in wrong]
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for name, (prepared, values) in PASSES.items():
        if name not in OTHER_MODELS and (result := dtc_opt(*prepared, f"--{name}")).returncode != 0:
            problems.append(f"{name}: {result.stderr[:300]}")
    problems += filter(None, pool.map(lambda arguments: attempt(*arguments), tries))
print("\n".join(problems) or f"{len(tries)} wrong options, each with a diagnostic")
sys.exit(bool(problems))
