# same_evaluation.py A.jsonl B.jsonl: the last evaluation loss of both is the same, to 1e-5.
import json
import sys

a, b = ([line["eval_loss"] for line in map(json.loads, open(file)) if "eval_loss" in line][-1] for file in sys.argv[1:])
sys.exit(0 if abs(a - b) < 1e-5 else "the evaluations differ: %.7f and %.7f" % (a, b))
