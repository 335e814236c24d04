# random_samples.py FILE SHAPE CLASSES [DTYPE]: numbers from a normal distribution, or with an integer type ids below CLASSES.
import sys

import numpy as np

file, shape, classes = sys.argv[1:4]
shape, generator = [int(size) for size in shape.split(",")], np.random.default_rng(7)
ids = len(sys.argv) > 4
np.save(file, generator.integers(0, int(classes), shape).astype(sys.argv[4]) if ids else generator.standard_normal(shape, np.float32))
