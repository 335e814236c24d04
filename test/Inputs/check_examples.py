# examples/README.md against the examples: `check_examples.py EXAMPLES`. Of each row: the model's input, layers and features where the page
# says them, its recipe in full, the files and data sources that it names.
import pathlib
import re
import subprocess
import sys

EXAMPLES = pathlib.Path(sys.argv[1])
NUMBERS = ["no", "one", "two", "three", "four", "five", "six"]
problems = []


def model_of(path):
    """The nn level of an example."""
    return subprocess.run(["dtc", path, "--emit=nn"], capture_output=True, text=True, check=True).stdout


def recipe_of(text):
    """In the page's words."""
    loss, optimizer, settings, batch = re.search(r"#nn.recipe<loss = #nn.(\w+), optimizer = #nn.(\w+)<(.*?)>, batch = (\d+)>", text).groups()
    settings = dict(entry.split(" = ") for entry in settings.split(", "))
    name = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}[optimizer]
    if float(settings.get("momentum", 0)):
        name += " with momentum"
    return f"{loss.replace('_', '-')}, {name}, batch {batch}"


def check(folder, model, recipe, data):
    def expect(what, actual, said):
        if actual != said:
            problems.append(f"{folder}: {what} is '{actual}', not '{said}'")

    text = model_of(EXAMPLES / folder / f"{folder}.dt")
    expect("the recipe", recipe_of(text), recipe)
    shape = [int(size) for size in re.search(r"tensor<([\dx]+)x[fi]\d+> \{nn.input", text)[1].split("x")][1:]
    weights = [[int(size) for size in sizes.split("x")] for sizes in re.findall(r'tensor<([\dx]+)xf32> \{[^{}]*nn.parameter = "[^"]*\.weight"', text)]
    convolutions, dense = [w for w in weights if len(w) == 4], [w for w in weights if len(w) == 2]
    if said := re.search(r"(\w+) convolutions, (\w+) dense layers", model):
        expect("the number of convolutions", NUMBERS[len(convolutions)], said[1])
        expect("the number of dense layers", NUMBERS[len(dense)], said[2])
    if said := re.search(r"\d+(-\d+)+", model):
        # Weights are [features, inputs].
        expect("the chain of features", "-".join(map(str, [dense[0][1], *(w[0] for w in dense)])), said[0])
    if said := re.search(r"\d+(×\d+)+", model):
        expect("the input", "×".join(map(str, shape)), said[0])
    for name in re.findall(r"`(\w+\.py)`", model):
        if not (EXAMPLES / folder / name).is_file():
            problems.append(f"{folder}: no file {name}")
    if "ONNX" in model and not (EXAMPLES / folder / f"{folder}.onnx").is_file():
        problems.append(f"{folder}: no file {folder}.onnx")
    sources = re.findall(r"--data=(\w+)", data)
    if not sources and data != "the same":
        problems.append(f"{folder}: no data")
    for source in sources:
        if source not in ("idx", "cifar10", "npy", "tokens", "synthetic"):
            problems.append(f"{folder}: no data source {source}")


page = (EXAMPLES / "README.md").read_text()
rows = re.findall(r"^\| \[(\w+)\]\((\w+)\) \| (.*?) \| (.*?) \| (.*?) \|$", page, re.M)
folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
if {row[0] for row in rows} != folders or any(row[0] != row[1] for row in rows):
    problems.append(f"the table has {[row[0] for row in rows]}, the folder {sorted(folders)}")
for folder, _, *said in rows:
    check(folder, *said)
print("\n".join(problems) or f"{len(rows)} examples")
sys.exit(bool(problems))
