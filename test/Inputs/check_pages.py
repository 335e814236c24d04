# Whatever a page of the repository names is there: files, options, passes, pipelines and tools, ops and attributes.
#
#     check_pages.py SOURCE BINARIES [PAGE...]
#
# BINARIES is the folder of dtc and dtc-opt. Names are looked for in code, `so` or in blocks, and in links. A name that stands for
# something outside of the repository is in one of the lists below, with what it is.
import pathlib
import re
import subprocess
import sys

SOURCE, BINARIES = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
EXTENSIONS = "cpp|cu|h|td|py|sh|test|mlir|dt|md|cmake|txt"

# What is made, not kept: by dtc, by a script, by a build.
MADE = {"train.cpp", "train.cu", "plan.json", "parameters.safetensors", "CMakeLists.txt", "report.md", "mnist_cnn.source",
        "my-opt.cpp", "fc.cpp"}
MADE_FOLDERS = ("build/", "/", "mnist_cnn.source/", "out/")
# Options of other programs: CMake, MLIR, rsync.
FOREIGN = {"--install", "--prefix", "--preset", "--build", "--mlir-print-ir-after-all", "--link-dest"}
# What a page says there is not, and why.
ABSENT = {"nn.graph"}


def sources(*folders, suffixes):
    for folder in folders:
        for path in sorted((SOURCE / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path.read_text(errors="replace")


def help_of(tool):
    return subprocess.run([BINARIES / tool, "--help"], capture_output=True, text=True, check=True).stdout


OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
OPTIONS = {option for tool in ("dtc", "dtc-import-test") for option in OPTION.findall(help_of(tool))}
# An emitted program's help, and the options of scripts and measuring programs of the tests.
OPTIONS |= {option for text in sources("runtime/lib", suffixes={".cpp"}) for option in OPTION.findall(text)}
OPTIONS |= {option for text in sources("test", "examples", "scripts", suffixes={".py", ".sh", ".cpp", ""}) for option in OPTION.findall(text)}
OPT_HELP = help_of("dtc-opt")
PASSES = set(re.findall(r"--(dtc-[a-z0-9-]+)", OPT_HELP))
PASS_OPTIONS = set(re.findall(r"^ +--([a-z][a-z0-9-]*)(?==| )", OPT_HELP, re.M))
TOOLS = {path.name for path in SOURCE.glob("tools/*")} | {path.stem for path in SOURCE.glob("test/tools/*")}
DIALECTS = "\n".join(sources("dialects", suffixes={".td", ".h"})) + "\n".join(sources("include", suffixes={".td", ".h"}))
FILES = [path for path in SOURCE.rglob("*") if path.is_file() and ".git" not in path.parts and "build" != path.relative_to(SOURCE).parts[0]]
NAMES = {path.name for path in FILES}


def file_problem(page, name):
    """`name` as the page, the repository, or a folder of headers would find it; <Stage> and * stand for anything."""
    plain = name.rstrip("/").removeprefix("./")
    if plain in MADE or name.startswith(MADE_FOLDERS) or plain.split("/")[-1] in MADE and "/" not in plain:
        return None
    pattern = re.sub(r"\*+", "*", re.sub(r"<\w+>", "*", plain))
    roots = [page.parent, SOURCE, SOURCE / "include", SOURCE / "runtime/include", SOURCE / "lib", SOURCE / "runtime/lib", SOURCE / "test"]
    if any(next(root.glob(pattern), None) for root in roots):
        return None
    if "/" not in plain and plain in NAMES:
        return None
    return f"no file {name}"


def code_problems(page, code):
    for name in re.findall(rf"(?<![\w./<>*$-])(?:[\w.<>*+-]+/)*[\w<>*+-]+\.(?:{EXTENSIONS})(?![\w./])", code):
        if not re.match(r"<\w+\.", name):  # a system's header
            yield file_problem(page, name)
    # A span that is a path as a whole: its first folder is one of the repository.
    if re.fullmatch(r"(?:\./)?[\w.-]+/[\w./<>*-]*", code):
        first = code.removeprefix("./").split("/")[0]
        if (SOURCE / first).is_dir() or (page.parent / first).is_dir():
            yield file_problem(page, code)
    for option in OPTION.findall(code):
        if option not in OPTIONS | FOREIGN and option.removeprefix("--") not in PASSES | PASS_OPTIONS:
            yield f"no option {option}"
    for name in re.findall(r"(?<![\w/.-])(dtc-[a-z0-9-]*[a-z0-9])(?![\w./-])", code):
        if name not in PASSES | TOOLS:
            yield f"no pass, pipeline or tool {name}"
    for dialect, name in re.findall(r"(?<![\w.:#])(nn|dist|rt)\.([a-z][a-z0-9_]*)(?![\w.(])", code):
        op = re.search(rf'<"{name}"', DIALECTS)
        attribute = re.search(rf'"{dialect}\.{name}"', DIALECTS)
        if not op and not attribute and f"{dialect}.{name}" not in ABSENT:
            yield f"no op or attribute {dialect}.{name}"


def problems(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target and not (page.parent / target).exists():
            yield f"no file {target}"
    # Blocks in the shell's language and untagged ones; others hold code of their own names.
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        if language == "sh":
            yield from code_problems(page, block)
    for span in re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        yield from code_problems(page, span)


pages = [pathlib.Path(name) for name in sys.argv[3:]] or [path for path in FILES if path.suffix == ".md"]
found = [f"{page}: {problem}" for page in sorted(pages) for problem in problems(page) if problem]
print("\n".join(dict.fromkeys(found)) or f"{len(pages)} pages")
sys.exit(bool(found))
