# Random delays must not matter: `jitter.py MODEL [OPTION…] [--runs=200] [--ranks=4] [--delay=2000]`.
#
# Compiles the model with the options, runs it once as it is, and then again and again with DTCRT_JITTER_US, each time with
# another seed: ranks sleep at random before fragments, sends, receives and waits. Each run must end within a minute, with
# the same losses and parameters to the last bit. Prints how many did; exit status 1 if one did not.
import argparse
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(program, arguments, metrics, **environment):
    """The losses of a run as text and the bytes of its checkpoint, or why there are none."""
    command = ["mpirun", "--oversubscribe", "-n", str(arguments.ranks), program, "--data=synthetic", f"--steps={arguments.steps}",
               "--seed=1", f"--metrics={metrics}", f"--save={metrics}.safetensors"]
    everything = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", **environment}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=everything)
    except subprocess.TimeoutExpired:
        return None, "hangs"
    if done.returncode:
        return None, f"exits with {done.returncode}: {done.stderr.strip().splitlines()[:1]}"
    with open(metrics) as losses, open(metrics + ".safetensors", "rb") as parameters:
        return [line.split('"lr"')[0] for line in losses if '"loss"' in line] + [parameters.read()], ""


def main():
    parser = argparse.ArgumentParser(description="random delays must not matter")
    parser.add_argument("model")
    parser.add_argument("--dtc", default=os.path.join(ROOT, "build", "release", "bin", "dtc"))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--delay", type=int, default=2000, help="microseconds at most")
    arguments, options = parser.parse_known_args()

    with tempfile.TemporaryDirectory() as directory:
        program, metrics = os.path.join(directory, "train"), os.path.join(directory, "losses.jsonl")
        subprocess.run([arguments.dtc, arguments.model, *options, "-o", program], check=True, capture_output=True)
        expected, problem = run(program, arguments, metrics)
        if not expected or len(expected) != arguments.steps + 1:
            sys.exit(f"without delays it {problem or 'has other steps'}")
        same, begin = 0, time.monotonic()
        for seed in range(arguments.runs):
            result, problem = run(program, arguments, metrics, DTCRT_JITTER_US=str(arguments.delay), DTCRT_JITTER_SEED=str(seed))
            if result == expected:
                same += 1
            else:
                print(f"seed {seed}: {problem or 'other losses or parameters'}", file=sys.stderr)
        print(f"{same} of {arguments.runs} runs of {os.path.basename(arguments.model)} {' '.join(options)} ended with the same bits, "
              f"in {time.monotonic() - begin:.0f} s")
    return 0 if same == arguments.runs else 1


if __name__ == "__main__":
    sys.exit(main())
