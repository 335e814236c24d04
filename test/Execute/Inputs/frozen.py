# What a checkpoint must hold of frozen parameters: `frozen.py INITIAL.safetensors TRAINED.safetensors BEGINNING`. Those whose name begins so
# are bit for bit what they were, and have no optimizer state; all others have moved, and have some.
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from compare_parameters import read

initial, trained, beginning = read(sys.argv[1]), read(sys.argv[2]), sys.argv[3]
for name, (dtype, shape, values) in initial.items():
    same = trained[name][2].tobytes() == values.tobytes()
    states = [key for key in trained if key.endswith("/" + name)]
    frozen = name.startswith(beginning)
    if same != frozen or bool(states) == frozen:
        sys.exit(f"'{name}' {'has not moved' if same else 'has moved'} and has {len(states)} states")
print(f"{sum(name.startswith(beginning) for name in initial)} of {len(initial)} parameters are frozen")
