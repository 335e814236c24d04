# Whether a program's ranks need at most a share of another's memory: `arena.py FOLDER OTHER_FOLDER SHARE`, of plan.json's arenas.
import json
import os
import sys


def arenas(folder):
    with open(os.path.join(folder, "plan.json")) as file:
        return [role["arena_bytes"] for role in json.load(file)["roles"]]


small, large = arenas(sys.argv[1]), arenas(sys.argv[2])
print(small, large)
sys.exit(any(a > float(sys.argv[3]) * b for a, b in zip(small, large, strict=True)))
