# equal_parameters.py FILE.onnxtxt: parameters of which some hold the same numbers as others: in the same shape, as the transpose, as a
# permutation; few numbers, one number throughout, all but one; and a running statistic.
import sys

ROWS, COLUMNS = 20, 16


def matrix(name, rows, columns, numbers):
    return f"float[{rows}, {columns}] {name} = {{{', '.join(map(str, numbers))}}}"


numbers = [(i * 37 % 101) / 8 for i in range(ROWS * COLUMNS)]
transpose = [numbers[row * COLUMNS + column] for column in range(COLUMNS) for row in range(ROWS)]
statistics = ", ".join(str(1 + i % 7) for i in range(256))
initializers = [
    matrix("val_0", COLUMNS, ROWS, transpose), matrix("embed", ROWS, COLUMNS, numbers), matrix("again", ROWS, COLUMNS, numbers),
    matrix("nearly", ROWS, COLUMNS, numbers[:-1] + [77]), matrix("turned", ROWS, COLUMNS, numbers[::-1]),
    matrix("few", 2, 3, range(6)), matrix("few_too", 2, 3, range(6)), matrix("ones", ROWS, COLUMNS, [1] * len(numbers)),
    matrix("ones_too", ROWS, COLUMNS, [1] * len(numbers)), matrix("wide", COLUMNS, 256, [i % 11 for i in range(COLUMNS * 256)]),
    *(f"float[256] {name} = {{{statistics}}}" for name in ("scale", "bias", "mean", "variance"))]
with open(sys.argv[1], "w") as file:
    file.write(f"""<ir_version: 8, opset_import: ["" : 17]>
equal (float[4, {ROWS}] x) => (float[4, 256] y, float[2, 3] z) <{", ".join(initializers)}> {{
  a = MatMul (x, embed)
  b = MatMul (a, val_0)
  c = MatMul (b, again)
  d = MatMul (b, nearly)
  e = MatMul (b, turned)
  f = MatMul (b, ones)
  g = MatMul (b, ones_too)
  h = Sum (c, d, e, f, g)
  i = MatMul (h, wide)
  y = BatchNormalization (i, scale, bias, mean, variance)
  z = Add (few, few_too)
}}
""")
