# Trains the network of cases.py with PyTorch and stores its parameters after the steps: OPTIMIZER.json beside this file.
#
#     pip install torch numpy        # any version 2
#     python3 test/Execute/Inputs/optimizers/make_parameters.py [OPTIMIZER...]
import json
import pathlib
import sys

import numpy
import torch

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent.parent.parent / "Inputs"))
import cases
import optimizers_of_papers


class All:
    """torch.optim's optimizers, and those of papers."""

    def __getattr__(self, name):
        return getattr(optimizers_of_papers, name, None) or getattr(torch.optim, name)


def train(make, dtype):
    p = {name: torch.tensor(cases.PARAMETERS[name], dtype=dtype).reshape(shape).requires_grad_() for name, shape in cases.SHAPES.items()}
    inputs = torch.tensor(cases.INPUTS, dtype=dtype).reshape(cases.STEPS, cases.BATCH, 6)
    targets = torch.tensor(cases.TARGETS, dtype=dtype).reshape(cases.STEPS, cases.BATCH, 3)
    optimizer = make(All(), list(p.values()))
    for x, target in zip(inputs, targets):
        h = torch.tanh(x @ p["fc1.weight"].T + p["fc1.bias"])
        loss = torch.nn.functional.mse_loss(h @ p["fc2.weight"].T + p["fc2.bias"] + p["shift"], target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: value.detach().double().numpy().ravel() for name, value in p.items()}


for name in sys.argv[1:] or cases.CASES:
    stored = []
    for options, make in cases.CASES[name]:
        full, single = train(make, torch.float64), train(make, torch.float32)
        apart = max(numpy.linalg.norm(full[key] - single[key]) / numpy.linalg.norm(full[key]) for key in full)
        print(f"{name} {options}: f32 is {apart:.1e} from f64", flush=True)
        stored.append({"options": options, "parameters": {key: [float(f"{x:.9g}") for x in value] for key, value in full.items()}})
    (HERE / f"{name}.json").write_text(json.dumps(stored, indent=1) + "\n")
