"""The benchmark's models in PyTorch: trains one on random data and prints the milliseconds of each step as JSON.

Run by step_time.py with OMP_NUM_THREADS set. With --ranks=2, a process for each rank, joined by DDP over gloo.
"""
import argparse
import json
import os
import time
from collections import OrderedDict

import torch
from torch import nn


class Standardise(nn.Module):
    def forward(self, image):
        return (image - 0.286) / 0.353


def mnist_cnn():
    return nn.Sequential(
        Standardise(), nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def cifar_convnet():
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def conv_norm(channels, out, kernel, stride):
    return nn.Sequential(nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out))


class Unit(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        stride = out // channels
        self.first, self.second = conv_norm(channels, out, 3, stride), conv_norm(out, out, 3, 1)
        self.skip = conv_norm(channels, out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.skip(x))


def cifar_resnet():
    widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
    return nn.Sequential(
        conv_norm(3, 16, 3, 1), nn.ReLU(), *(Unit(*pair) for pair in zip(widths, widths[1:])),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


# model (of examples/, or of models/ beside this file), shape of a sample, optimizer (RECIPES of step_time.py).
MODELS = OrderedDict(
    mnist_cnn=(mnist_cnn, (1, 28, 28), lambda p: torch.optim.Adam(p, lr=1e-3, fused=True)),
    mlp=(mlp, (1, 28, 28), lambda p: torch.optim.SGD(p, lr=0.1, fused=True)),
    cifar_convnet=(cifar_convnet, (3, 32, 32), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, fused=True)),
    cifar_resnet=(cifar_resnet, (3, 32, 32), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, fused=True)))


def train(arguments, rank):
    make, shape, optimizer_of = MODELS[arguments.model]
    torch.manual_seed(0)
    layout = torch.channels_last if arguments.layout == "channels_last" else torch.contiguous_format
    model = make().to(memory_format=layout)
    if arguments.ranks > 1:
        model = nn.parallel.DistributedDataParallel(model)
    if arguments.compile:
        model = torch.compile(model)
    optimizer = optimizer_of(model.parameters())
    loss_of = nn.CrossEntropyLoss()
    rows = arguments.batch // arguments.ranks
    batches = [(torch.randn(rows, *shape).to(memory_format=layout), torch.randint(10, (rows,))) for _ in range(16)]
    times = []
    for step in range(arguments.warmup + arguments.steps):
        start = time.perf_counter()
        images, labels = batches[step % len(batches)]
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(1e3 * (time.perf_counter() - start))
    if rank == 0:
        print(json.dumps(times[arguments.warmup:]), flush=True)


def run_rank(rank, arguments, store):
    # A core for each rank, as the compiled program has it.
    cores = sorted(os.sched_getaffinity(0))
    share = max(1, len(cores) // arguments.ranks)
    os.sched_setaffinity(0, cores[rank * share % len(cores):][:share])
    torch.set_num_threads(share)
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=arguments.ranks)
    train(arguments, rank)
    torch.distributed.barrier()
    # gloo's threads now and then abort the process when the group is taken down; everything is printed.
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=list(MODELS))
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--store", help="a file that does not exist yet, through which ranks find each other")
    arguments = parser.parse_args()
    if arguments.ranks == 1:
        train(arguments, 0)
    else:
        torch.multiprocessing.spawn(run_rank, (arguments, arguments.store), nprocs=arguments.ranks)


if __name__ == "__main__":
    main()
