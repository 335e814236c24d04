# The small GPT of gpt.dt: `gpt.py FOLDER` writes its initial parameters and its tokens there, `gpt.py` trains it with PyTorch and stores
# the losses, a line for each step, in gpt.jsonl beside this file (needs PyTorch; the tests do not).
#
# Parameters and tokens come from generators whose sequence Python guarantees.
import array
import json
import math
import pathlib
import random
import struct
import sys

STEPS, BATCH, POSITIONS, VOCABULARY, WIDTH, HEADS, DEPTH, ROWS = 20, 8, 16, 61, 32, 4, 3, 24


def tokens():
    """A stream in which the next token mostly follows from the last."""
    generator, stream = random.Random("dtc reference gpt tokens"), [0]
    for _ in range(STEPS * BATCH * POSITIONS):
        stream.append(generator.randrange(VOCABULARY) if generator.random() < 0.25 else (7 * stream[-1] + 3) % VOCABULARY)
    return stream


def shapes():
    result = {"wte.weight": (VOCABULARY, WIDTH), "wpe.weight": (ROWS, WIDTH)}
    for layer in range(DEPTH):
        for part, inputs, outputs in (("attn.qkv", WIDTH, 3 * WIDTH), ("attn.out", WIDTH, WIDTH), ("mlp.up", WIDTH, 4 * WIDTH), ("mlp.down", 4 * WIDTH, WIDTH)):
            result[f"h.{layer}.{part}.weight"], result[f"h.{layer}.{part}.bias"] = (outputs, inputs), (outputs,)
        for norm in ("ln_1", "ln_2"):
            result[f"h.{layer}.{norm}.weight"] = result[f"h.{layer}.{norm}.bias"] = (WIDTH,)
    result["ln_f.weight"] = result["ln_f.bias"] = (WIDTH,)
    return result


def parameters():
    generator, result = random.Random("dtc reference gpt"), {}
    for name, shape in shapes().items():
        around = 1.0 if ".ln_" in "." + name and name.endswith("weight") else 0.0
        result[name] = (shape, array.array("f", (around + 0.2 * (2 * generator.random() - 1) for _ in range(math.prod(shape)))))
    return result


def write(folder):
    header, data = {}, bytearray()
    for name, (shape, values) in parameters().items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * len(values)]}
        data += struct.pack(f"<{len(values)}f", *values)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "initial.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    stream = tokens()
    (folder / "tokens.bin").write_bytes(struct.pack(f"<{len(stream)}H", *stream))
    (folder / "wide.bin").write_bytes(struct.pack(f"<{len(stream)}I", *stream))
    (folder / "beyond.bin").write_bytes(struct.pack(f"<{len(stream)}H", *stream[:100], VOCABULARY, *stream[101:]))


def train(dtype):
    import torch
    from torch.nn import functional
    torch.set_num_threads(1)
    p = {name: torch.tensor(values, dtype=dtype).reshape(shape).requires_grad_() for name, (shape, values) in parameters().items()}
    optimizer = torch.optim.SGD(p.values(), lr=0.2, momentum=0.9)

    def linear(x, name):
        return functional.linear(x, p[name + ".weight"], p[name + ".bias"])

    def norm(x, name):
        return functional.layer_norm(x, (WIDTH,), p[name + ".weight"], p[name + ".bias"])

    def forward(ids):
        x = functional.embedding(ids, p["wte.weight"]) + p["wpe.weight"][:POSITIONS]
        for layer in range(DEPTH):
            h = f"h.{layer}."
            q, k, v = (part.reshape(BATCH, POSITIONS, HEADS, -1).transpose(1, 2) for part in linear(norm(x, h + "ln_1"), h + "attn.qkv").split(WIDTH, 2))
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(BATCH, POSITIONS, WIDTH)
            x = x + linear(y, h + "attn.out")
            x = x + linear(functional.gelu(linear(norm(x, h + "ln_2"), h + "mlp.up"), approximate="tanh"), h + "mlp.down")
        return functional.linear(norm(x, "ln_f"), p["wte.weight"])

    stream, losses = torch.tensor(tokens()), []
    for step in range(STEPS):
        begin = step * BATCH * POSITIONS
        part = stream[begin:begin + BATCH * POSITIONS + 1]
        loss = functional.cross_entropy(forward(part[:-1].reshape(BATCH, POSITIONS)).flatten(0, 1), part[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


if len(sys.argv) == 2:
    write(pathlib.Path(sys.argv[1]))
else:
    import torch
    losses, exact = train(torch.float32), train(torch.float64)
    print(f"{losses[0]:.6f} … {losses[-1]:.6f}; f64 differs by {max(abs(a - b) / b for a, b in zip(losses, exact)):.1e}")
    with open(pathlib.Path(__file__).with_suffix(".jsonl"), "w") as file:
        for step, loss in enumerate(losses, 1):
            file.write(json.dumps({"step": step, "loss": round(loss, 9)}) + "\n")
