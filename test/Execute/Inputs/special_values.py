"""NaN, infinities and the ends of the range through every elementwise op, as emitted kernels compute them.

    special_values.py write FOLDER              ops.mlir; x.npy and y.npy for it, all pairs of the values; one.npy
    special_values.py check FOLDER CHECKPOINT   what the program has made of them, against the C library in f64

ops.mlir is a step whose "new parameters" are the results: each op alone and fused with a product with 1, in f32 and in bf16. They begin as NaN, so
that a program saves what is none.
"""
import ctypes
import math
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from compare_parameters import read
from mixed_samples import write_npy

VALUES = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-40, -1e-40, 1e-6, 0.5, 1.0, -1.0, -2.5, 30.0, -30.0, 100.0, -100.0, 1e15, -1e15, 3e38, -3e38]
PAIRS = [(x, y) for x in VALUES for y in VALUES]

libm = ctypes.CDLL("libm.so.6")


def c(name, arguments=1):
    function = getattr(libm, name)
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * arguments
    return function


exp, log, sqrt, tanh, erf, expm1, power = c("exp"), c("log"), c("sqrt"), c("tanh"), c("erf"), c("expm1"), c("pow", 2)


def divide(a, b):
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, math.copysign(1, a) * math.copysign(1, b))


def gelu_slope(x):
    return (1 + erf(x / math.sqrt(2))) / 2 + x * exp(-x * x / 2) / math.sqrt(2 * math.pi)


def near_erf(x):
    return tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))


def near_gelu_slope(x):
    if 1e17 < abs(x) < math.inf:
        return None  # beyond the range of f32, in PyTorch too
    t = near_erf(x)
    return (1 + t) / 2 + x / 2 * (1 - t * t) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)


def times(y, slope):
    return None if slope is None else y * slope


# Op, its operands and attributes; what it is of x and y.
OPS = {
    "neg": ("nn.neg %x", lambda x, y: -x),
    "exp": ("nn.exp %x", lambda x, y: exp(x)),
    "log": ("nn.log %x", lambda x, y: log(x)),
    "sqrt": ("nn.sqrt %x", lambda x, y: sqrt(x)),
    "relu": ("nn.relu %x", lambda x, y: 0.0 if x < 0 else x),
    "leaky_relu": ("nn.leaky_relu %x {alpha = 0.1}", lambda x, y: x if x > 0 else 0.1 * x),
    "leaky_relu_0": ("nn.leaky_relu %x {alpha = 0.0}", lambda x, y: x if x > 0 else 0.0 * x),
    "elu": ("nn.elu %x {alpha = 1.5}", lambda x, y: x if x > 0 else 1.5 * expm1(x)),
    "sigmoid": ("nn.sigmoid %x", lambda x, y: 1 / (1 + exp(-x))),
    "tanh": ("nn.tanh %x", lambda x, y: tanh(x)),
    "erf": ("nn.erf %x", lambda x, y: erf(x)),
    "gelu": ("nn.gelu %x", lambda x, y: x * (erf(x / math.sqrt(2)) + 1) / 2 if abs(x) < 1e30 or x != x else x * ((erf(x) + 1) / 2)),
    "gelu_tanh": ("nn.gelu %x {approximate}", lambda x, y: x * ((near_erf(x) + 1) / 2)),
    "add": ("nn.add %x, %y", lambda x, y: x + y),
    "sub": ("nn.sub %x, %y", lambda x, y: x - y),
    "mul": ("nn.mul %x, %y", lambda x, y: x * y),
    "div": ("nn.div %x, %y", divide),
    "pow": ("nn.pow %x, %y", power),
    "where_positive": ("nn.where_positive %x, %y, %x", lambda x, y: x if x <= 0 else y),
    "gelu_gradient": ("nn.gelu_gradient %y, %x", lambda x, y: y * to_f32(gelu_slope(x))),
    "gelu_gradient_tanh": ("nn.gelu_gradient %y, %x {approximate}", lambda x, y: times(y, near_gelu_slope(x))),
}


def to_f32(value):
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def to_bf16(value):
    """To nearest, ties to even, by the definition."""
    if not math.isfinite(value) or value == 0:
        return value
    unit = 2.0 ** max(math.frexp(value)[1] - 8, -133)
    rounded = round(value / unit) * unit
    return rounded if abs(rounded) < 2.0 ** 128 else math.copysign(math.inf, value)


def fragment(name, fused):
    """A fragment with every op, and the names of its results."""
    wide = f"tensor<1x{len(PAIRS)}xf32>"
    results, body = [], []
    for element in "f32", "bf16":
        t = wide.replace("f32", element)
        read = {operand: operand for operand in ("x", "y", "one")}
        if element == "bf16":
            for operand in read:
                body.append(f"%low_{operand} = nn.cast %{operand} : {wide} -> {t}")
                read[operand] = f"low_{operand}"
        for op, (text, _) in OPS.items():
            operands, _, attributes = text.partition(" {")
            operands = operands.replace("%x", f"%{read['x']}").replace("%y", f"%{read['y']}")
            types = ", ".join([t] * operands.count("%"))
            value, result = f"%v{len(results)}", f"{op}_{element}" + ("_fused" if fused else "")
            body.append(f"{value} = {operands}{' {' + attributes if attributes else ''} : {types} loc(\"{result}\")")
            if fused:
                body.append(f"{value}m = nn.mul {value}, %{read['one']} : {t}, {t} loc(\"{result}\")")
                value += "m"
            if element == "bf16":
                body.append(f"{value}w = nn.cast {value} : {t} -> {wide} loc(\"{result}\")")
                value += "w"
            results.append((result, value))
    lines, types = "\n  ".join(body), ", ".join([wide] * len(results))
    arguments = ", ".join(f'%{i}: {wide} loc("{i}")' for i in ("x", "y", "one"))
    return f"""dist.fragment @{name}({arguments}) -> ({types}) {{
  {lines}
  dist.return {", ".join(value for _, value in results)} : {types}
}}
""", [result for result, _ in results]


def mlir():
    wide = f"tensor<1x{len(PAIRS)}xf32>"
    alone, names = fragment("alone", False)
    fused, fused_names = fragment("fused", True)
    types = ", ".join([wide] * len(names))
    inputs = ", ".join(f'%{i}: {wide} {{nn.input = "{i}"}} loc("{i}")' for i in ("x", "y", "one"))
    parameters = ", ".join(f'%p{i}: {wide} {{nn.parameter = "{name}", nn.init = #nn.constant<value = 0x7FF8000000000000>}}'
                           for i, name in enumerate(names + fused_names))
    results = ", ".join(f'{wide} {{nn.parameter = "{name}"}}' for name in names + fused_names)
    made = [[f"%{kind}{i}" for i in range(len(names))] for kind in "af"]
    return f"""shard.grid @mesh(shape = 1) {{dist.axes = ["data"]}}
dist.fragment @loss() -> tensor<f32> {{
  %loss = nn.constant dense<0.0> : tensor<f32> : tensor<f32> loc("loss")
  dist.return %loss : tensor<f32>
}}
{alone}{fused}
dist.timeline @train({inputs}, %weight: tensor<1xf32> {{nn.sample_weight}}, {parameters})
    -> (tensor<f32> {{nn.loss}}, {results}) attributes {{phase = "train", role = "all", nn.model = "ops", nn.precision = "bf16", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 1>}} {{
  %loss = dist.run @loss() : () -> tensor<f32>
  {", ".join(made[0])} = dist.run @alone(%x, %y, %one) : ({wide}, {wide}, {wide}) -> ({types})
  {", ".join(made[1])} = dist.run @fused(%x, %y, %one) : ({wide}, {wide}, {wide}) -> ({types})
  dist.return %loss, {", ".join(made[0] + made[1])} : tensor<f32>, {types}, {types}
}}
"""


def check(checkpoint):
    wrong, seen = [], 0
    for name, (_, _, values) in read(checkpoint).items():
        op, element = name.removesuffix("_fused").rsplit("_", 1)
        for (x, y), value in zip(PAIRS, values):
            x, y = to_f32(x), to_f32(y)
            if element == "bf16":
                x, y = to_bf16(x), to_bf16(y)
            expected = OPS[op][1](x, y)
            if expected is None:
                continue
            expected = to_f32(to_bf16(expected) if element == "bf16" else expected)
            seen += 1
            if math.isnan(expected) or math.isnan(value):
                same = math.isnan(expected) and math.isnan(value)
            elif math.isinf(expected) or math.isinf(value):
                same = expected == value
            else:
                same = abs(value - expected) <= abs(expected) * (1 / 100 if element == "bf16" else 5e-5) + 2e-6
            if not same:
                wrong.append(f"{name} of {x}, {y}: {value}, not {expected}")
    print(f"{seen} values, {len(wrong)} wrong")
    sys.exit("\n".join(wrong[:40]) if wrong or seen < 1000 else 0)


if sys.argv[1] == "write":
    folder = sys.argv[2]
    with open(f"{folder}/ops.mlir", "w") as file:
        file.write(mlir())
    write_npy(f"{folder}/x.npy", [[x for x, _ in PAIRS]])
    write_npy(f"{folder}/y.npy", [[y for _, y in PAIRS]])
    write_npy(f"{folder}/one.npy", [[1.0] * len(PAIRS)])
else:
    check(sys.argv[3])
