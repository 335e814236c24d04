#!/usr/bin/env python3
"""Writes a data set in the format of CIFAR-10's binary version: 20000 images to learn from and 2000 to test with.

The images are generated, not photographs: a class is the direction of stripes, in any phase and colour, under noise.
usage: make_data.py FOLDER
"""
import math
import os
import random
import sys

SIDE, CLASSES, PHASES = 32, 10, 16
FILES = {f"data_batch_{i}.bin": 4000 for i in range(1, 6)} | {"test_batch.bin": 2000}


def stripes(label, phase):
    """One channel: stripes of eight pixels at label x 18 degrees, from 0 to 255."""
    angle, period = math.pi * label / CLASSES, 8
    x, y = math.cos(angle) / period, math.sin(angle) / period
    return bytes(round(127.5 + 127.5 * math.sin(2 * math.pi * (x * column + y * row + phase / PHASES)))
                 for row in range(SIDE) for column in range(SIDE))


def main():
    folder, = sys.argv[1:] or sys.exit(__doc__)
    os.makedirs(folder, exist_ok=True)
    draw = random.Random(0)
    images = [[stripes(label, phase) for phase in range(PHASES)] for label in range(CLASSES)]
    # Value v of a channel with contrast c around brightness b, as a table for bytes.translate.
    colours = [bytes(round(b + (v - 127.5) * c / 255) for v in range(256))
               for b in (80, 128, 176) for c in (-120, -60, 60, 120)]
    noise_bits = int.from_bytes(bytes([0x3f]) * (3 * SIDE * SIDE), "big")
    for name, count in FILES.items():
        with open(os.path.join(folder, name + ".partial"), "wb") as file:
            for _ in range(count):
                label = draw.randrange(CLASSES)
                image = draw.choice(images[label])
                pixels = b"".join(image.translate(draw.choice(colours)) for _ in range(3))
                noise = draw.getrandbits(8 * len(pixels)) & noise_bits
                noisy = int.from_bytes(pixels, "big") ^ noise
                file.write(bytes([label]) + noisy.to_bytes(len(pixels), "big"))
        os.replace(file.name, os.path.join(folder, name))


if __name__ == "__main__":
    main()
