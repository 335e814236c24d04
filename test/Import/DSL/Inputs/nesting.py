# Writes model files that nest deeply or unfold into very much.
import sys


def model(expression):
    return f"model m(x: f32[2, 2]) -> y {{ y = {expression} }}\n"


def blocks(count, body):
    text = "block b0(x) -> y { y = relu(x) }\n"
    for i in range(1, count):
        text += f"block b{i}(x) -> y {{ y = {body.format(i - 1)} }}\n"
    return text + model(f"b{count - 1}(x)")


files = {
    "parentheses": model("(" * 100000 + "x" + ")" * 100000),
    "minus": model("-" * 100000 + "x"),
    "blocks": blocks(100, "b{}(x)"),
    "doubling": blocks(40, "b{0}(b{0}(x))"),
    "repeat": "model m(x: f32[2]) -> y { repeat 999999999999 { y = x } }\n",
    "chain": model("x" + " + x" * 20000),
}
sys.stdout.write(files[sys.argv[1]])
