# The optimizers that are run, with their settings as the command line spells them, and what PyTorch (or a paper) calls the same.
# And the network, its data and its beginning, in numbers that need no generator.
import math

STEPS, BATCH = 12, 8

CASES = {
    "sgd": [("--momentum=0.9 --dampening=0.3 --weight-decay=0.01 --lr=0.1",
             lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01))],
    "adam": [("--lr=0.02 --amsgrad --beta2=0.9", lambda o, p: o.Adam(p, lr=0.02, betas=(0.9, 0.9), amsgrad=True))],
    "adamw": [("--lr=0.02 --weight-decay=0.1", lambda o, p: o.AdamW(p, lr=0.02, weight_decay=0.1))],
    "rmsprop": [("--lr=0.01 --alpha=0.9", lambda o, p: o.RMSprop(p, lr=0.01, alpha=0.9)),
                ("--lr=0.01 --momentum=0.8 --centered --weight-decay=0.1 --epsilon=1e-3",
                 lambda o, p: o.RMSprop(p, lr=0.01, momentum=0.8, centered=True, weight_decay=0.1, eps=1e-3))],
    "adagrad": [("--lr=0.1 --lr-decay=0.1 --weight-decay=0.1 --initial-accumulator-value=0.5",
                 lambda o, p: o.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5))],
    "adamax": [("--lr=0.02 --beta2=0.9", lambda o, p: o.Adamax(p, lr=0.02, betas=(0.9, 0.9)))],
    "nadam": [("--lr=0.02 --weight-decay=0.1 --momentum-decay=0.1 --decoupled-weight-decay",
               lambda o, p: o.NAdam(p, lr=0.02, weight_decay=0.1, momentum_decay=0.1, decoupled_weight_decay=True))],
    "radam": [("--lr=0.02 --weight-decay=0.1", lambda o, p: o.RAdam(p, lr=0.02, weight_decay=0.1))],
    "lion": [("--lr=0.01 --weight-decay=0.1", lambda o, p: o.Lion(p, lr=0.01, weight_decay=0.1))],
    "lamb": [("--lr=0.02 --weight-decay=0.1", lambda o, p: o.Lamb(p, lr=0.02, weight_decay=0.1))],
}


def waves(count, phase):
    return [math.sin(0.7 * i * i + 1.3 * i + phase) for i in range(count)]


SHAPES = {"fc1.weight": (5, 6), "fc1.bias": (5,), "fc2.weight": (3, 5), "fc2.bias": (3,), "shift": (3,)}
PARAMETERS = {name: [0.0 if name == "shift" else 0.5 * value for value in waves(math.prod(shape), number)]
              for number, (name, shape) in enumerate(SHAPES.items())}
INPUTS, TARGETS = waves(STEPS * BATCH * 6, 0.1), waves(STEPS * BATCH * 3, 0.2)
