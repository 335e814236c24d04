# A run in which no parameter moves: every step of training has a loss of its own, as dropout makes it, and all evaluations have one.
import json
import sys

lines = [json.loads(line) for line in open(sys.argv[1])]
losses = [line["loss"] for line in lines if "loss" in line]
evaluations = [line["eval_loss"] for line in lines if "eval_loss" in line and line["split"] == "validation"]
if len(losses) < 3 or len(set(losses)) != len(losses):
    sys.exit(f"losses of training: {losses}")
if len(evaluations) < 3 or len(set(evaluations)) != 1:
    sys.exit(f"losses of evaluations: {evaluations}")
