# Samples for batch-norm-one-value.test, and what its running statistics become: `one_value_statistics.py FOLDER`.
#
# Writes x.npy [11, 3] and label.npy [11, 3], x9.npy and label9.npy of the first 9, and by the formulas of torch.nn.BatchNorm1d, with momentum
# 0.1: `whole9.json`, `whole11.json` for the statistics of whole batches of 4, `shares11.json` for those of two ranks' shares of 2. A batch or
# a share of one sample moves nothing, as far as it counts in its batch.
import json
import random
import sys

from mixed_samples import columns, write_npy


def moments(column):
    mean = sum(column) / len(column)
    return mean, sum((v - mean) ** 2 for v in column) / (len(column) - 1)


def running(x, share):
    """Over batches of 4 in shares of `share` rows."""
    means, variances = [0.0] * 3, [1.0] * 3
    for first in range(0, len(x), 4):
        batch = x[first:first + 4]
        shares = [batch[i:i + share] for i in range(0, len(batch), share)]
        for c in range(3):
            mean, variance = means[c], variances[c]
            for rows in shares:
                if len(rows) > 1:
                    of_mean, of_variance = moments(columns(rows)[c])
                    weight = 0.1 * len(rows) / len(batch)
                    means[c] += weight * (of_mean - mean)
                    variances[c] += weight * (of_variance - variance)
    return {"bn.running_mean": means, "bn.running_var": variances}


if __name__ == "__main__":
    folder = sys.argv[1]
    generator = random.Random(3)
    x, label = ([[generator.gauss(1, 2) for _ in range(3)] for _ in range(11)] for _ in range(2))
    for suffix, count in ("", 11), ("9", 9):
        write_npy(f"{folder}/x{suffix}.npy", x[:count])
        write_npy(f"{folder}/label{suffix}.npy", label[:count])
    for name, count, share in ("whole9", 9, 4), ("whole11", 11, 4), ("shares11", 11, 2):
        with open(f"{folder}/{name}.json", "w") as file:
            json.dump(running(x[:count], share), file)
