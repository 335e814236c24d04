# The number of a model's trained values, from `dtc MODEL --emit=nn` on standard input.
import math
import re
import sys

shapes = re.findall(r'tensor<([\dx]+)xf32> \{[^{}]*nn.parameter = ', sys.stdin.read())
print(sum(math.prod(map(int, shape.split("x"))) for shape in shapes))
