"""The benchmarks' models in PyTorch on a GPU: trains one on random data and prints the median milliseconds of a step.

Channels-last, the fused optimizer, batches in pinned memory that are copied to the GPU in every step, as the compiled programs do.
"""
import argparse
import statistics
import time

import torch
from torch import nn

from torch_step import cifar_convnet, mlp, mnist_cnn  # test/bench; prepare.py puts it beside this file


class Bottleneck(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width))
        same = stride == 1 and channels == 4 * width
        self.skip = nn.Identity() if same else nn.Sequential(nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        return torch.relu(self.main(x) + self.skip(x))


def resnet50():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for width, stride, blocks in ((64, 1, 3), (128, 2, 4), (256, 2, 6), (512, 2, 3)):
        for block in range(blocks):
            layers.append(Bottleneck(channels, width, stride if block == 0 else 1))
            channels = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def adam(parameters, capturable):
    return torch.optim.Adam(parameters, lr=1e-3, fused=True, capturable=capturable)


def sgd(lr, momentum, decay):
    return lambda parameters, capturable: torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=decay, fused=True)


# model, shape of a sample, classes, optimizer: those of the model files.
MODELS = {
    "mnist_cnn": (mnist_cnn, (1, 28, 28), 10, adam),
    "mlp": (mlp, (1, 28, 28), 10, sgd(0.1, 0, 0)),
    "cifar_convnet": (cifar_convnet, (3, 32, 32), 10, adam),
    "resnet50": (resnet50, (3, 224, 224), 1000, sgd(0.1, 0.9, 1e-4)),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
    parser.add_argument("--mode", choices=["eager", "compile", "graphs"], default="eager")
    parser.add_argument("--warmup", type=int, default=30)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.precision != "f32"
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    make, shape, classes, optimizer_of = MODELS[options.model]
    model = make().cuda().to(memory_format=torch.channels_last)
    optimizer = optimizer_of(model.parameters(), options.mode == "graphs")
    loss_of = nn.CrossEntropyLoss()
    batches = [(torch.randn(options.batch, *shape).to(memory_format=torch.channels_last).pin_memory(),
                torch.randint(classes, (options.batch,)).pin_memory()) for _ in range(4)]
    images = torch.empty(options.batch, *shape, device="cuda").to(memory_format=torch.channels_last)
    labels = torch.empty(options.batch, dtype=torch.long, device="cuda")
    forward = torch.compile(model, mode="max-autotune") if options.mode == "compile" else model

    def compute():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=options.precision == "bf16"):
            loss = loss_of(forward(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    def load(number):
        batch = batches[number % len(batches)]
        images.copy_(batch[0], non_blocking=True)
        labels.copy_(batch[1], non_blocking=True)

    step = compute
    if options.mode == "graphs":
        load(0)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(5):
                compute()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            compute()
        step = graph.replay
    for number in range(options.warmup):
        load(number)
        step()
    torch.cuda.synchronize()
    # Ten steps at a time: the loop may run ahead of the GPU, as it does in a training that looks at its loss now and then.
    times = []
    for block in range(max(options.steps // 10, 1)):
        start = time.perf_counter()
        for number in range(10):
            load(number)
            step()
        torch.cuda.synchronize()
        times.append(1e2 * (time.perf_counter() - start))
    print(statistics.median(times))


if __name__ == "__main__":
    main()
