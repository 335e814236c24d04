# How long dtc takes to read and to plan exported models of real sizes: `import_time.py [--dtc=PATH] [--folder=FOLDER] [--nodes=100000]`.
#
# Three files, made here with random weights by onnx's own classes (PyPI's onnx and numpy; no network): GPT-2 small (124M parameters, 12 layers on
# 1 x 256 tokens; its weights in the file, and beside it as external data), ResNet-50 (batch normalisation kept), and a chain of elementwise nodes.
# For each the best of three of `dtc --explain`, which plans all and writes nothing: seconds of the import, as --time-passes says, seconds of the
# whole process, and the most memory that it took, beside the size of the files.
import argparse
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPSET = 17


class Graph:
    """Nodes in a row, each called after its output."""

    def __init__(self, seed=0):
        self.nodes, self.initializers, self.random = [], [], np.random.default_rng(seed)

    def weight(self, name, *shape, scale=0.02, value=None):
        data = np.full(shape, value, np.float32) if value is not None else (self.random.standard_normal(shape, np.float32) * np.float32(scale))
        self.initializers.append(numpy_helper.from_array(data, name))
        return name

    def constant(self, name, values, dtype=np.int64):
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, output if isinstance(output, list) else [output],
                                           name=output[0] if isinstance(output, list) else output, **attributes))
        return output

    def save(self, path, inputs, output, shape, external=False):
        graph = helper.make_graph(self.nodes, "model", inputs, [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
                                  self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        if os.path.exists(path + ".data"):
            os.remove(path + ".data")
        onnx.save_model(model, path, save_as_external_data=external, all_tensors_to_one_file=True, location=os.path.basename(path) + ".data",
                        size_threshold=1024)


def gpt2(path, external=False, layers=12, width=768, heads=12, vocabulary=50257, context=1024, tokens=256, batch=1):
    g = Graph()
    table = g.weight("wte.weight", vocabulary, width)
    x = g.node("Gather", [table, "tokens"], "embedded")
    positions = g.node("Gather", [g.weight("wpe.weight", context, width), g.constant("positions", range(tokens))], "position")
    x = g.node("Add", [x, positions], "h")
    mask = g.constant("mask", np.triu(np.full((tokens, tokens), -1e9, np.float32), 1), np.float32)
    g.constant("split_shape", [batch, tokens, heads, width // heads])
    g.constant("merged_shape", [batch, tokens, width])
    g.constant("thirds", [width] * 3)
    g.nodes.append(helper.make_node("Constant", [], ["scale"], value_float=float(np.sqrt(width // heads))))
    for i in range(layers):
        at = f"h.{i}."

        def norm(x, name):
            return g.node("LayerNormalization", [x, g.weight(name + ".weight", width, value=1), g.weight(name + ".bias", width, value=0)], name)

        def linear(x, name, n, m):
            return g.node("Add", [g.node("MatMul", [x, g.weight(name + ".weight", n, m)], name + ".product"), g.weight(name + ".bias", m, value=0)], name)

        y = linear(norm(x, at + "ln_1"), at + "attn.c_attn", width, 3 * width)
        parts = g.node("Split", [y, "thirds"], [at + "q", at + "k", at + "v"], axis=2)
        q, k, v = (g.node("Transpose", [g.node("Reshape", [part, "split_shape"], part + ".heads")], part + ".t", perm=perm)
                   for part, perm in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
        scores = g.node("Div", [g.node("MatMul", [q, k], at + "qk"), "scale"], at + "scaled")
        weights = g.node("Softmax", [g.node("Add", [scores, mask], at + "masked")], at + "softmax", axis=-1)
        y = g.node("Transpose", [g.node("MatMul", [weights, v], at + "av")], at + "av.t", perm=[0, 2, 1, 3])
        y = linear(g.node("Reshape", [y, "merged_shape"], at + "merged"), at + "attn.c_proj", width, width)
        x = g.node("Add", [x, y], at + "attended")
        y = linear(norm(x, at + "ln_2"), at + "mlp.c_fc", width, 4 * width)
        y = linear(g.node("Tanh", [y], at + "act"), at + "mlp.c_proj", 4 * width, width)
        x = g.node("Add", [x, y], at + "out")
    x = g.node("LayerNormalization", [x, g.weight("ln_f.weight", width, value=1), g.weight("ln_f.bias", width, value=0)], "ln_f")
    g.node("MatMul", [x, g.node("Transpose", [table], "wte.t", perm=[1, 0])], "logits")
    g.save(path, [helper.make_tensor_value_info("tokens", TensorProto.INT64, [batch, tokens])], "logits", [batch, tokens, vocabulary], external)


def resnet50(path, batch=8):
    g = Graph()

    def conv(x, name, n, m, kernel, stride=1, relu=True):
        w = g.weight(name + ".weight", m, n, kernel, kernel)
        y = g.node("Conv", [x, w], name, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4)
        bn = name + ".bn"
        statistics = [g.weight(bn + "." + what, m, value=value) for what, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1))]
        y = g.node("BatchNormalization", [y, *statistics], bn)
        return g.node("Relu", [y], name + ".relu") if relu else y

    x = g.node("MaxPool", [conv("image", "conv1", 3, 64, 7, 2)], "pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    width = 64
    for stage, (blocks, planes) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), 1):
        for block in range(blocks):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = conv(x, name + ".conv1", width, planes, 1)
            y = conv(y, name + ".conv2", planes, planes, 3, stride)
            y = conv(y, name + ".conv3", planes, 4 * planes, 1, relu=False)
            if block == 0:
                x = conv(x, name + ".downsample", width, 4 * planes, 1, stride, relu=False)
            width = 4 * planes
            x = g.node("Relu", [g.node("Add", [y, x], name + ".sum")], name + ".out")
    x = g.node("Flatten", [g.node("GlobalAveragePool", [x], "mean")], "flat")
    g.node("Gemm", [x, g.weight("fc.weight", 1000, width), g.weight("fc.bias", 1000, value=0)], "logits", transB=1)
    g.save(path, [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 224, 224])], "logits", [batch, 1000])


def chain(path, nodes=100_000, batch=4, width=8):
    """Products now and then, elementwise nodes between them."""
    g = Graph()
    x, ops = "x", ("Relu", "Tanh", "Sigmoid", "Neg")
    for i in range(nodes):
        name = f"node{i}"
        x = g.node("MatMul", [x, g.weight(f"w{i}", width, width)], name) if i % 10 == 0 else g.node(ops[i % 4], [x], name)
    g.save(path, [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, width])], x, [batch, width])


def measure(command):
    """Seconds of the import, of all, and the most memory in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    text = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(command)}:\n{text[-2000:]}")
    imported = re.search(r"([0-9.]+) \(.*\)  Import", text)
    return float(imported.group(1)), seconds, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dtc", default=os.path.join(ROOT, "build/release/bin/dtc"))
    parser.add_argument("--folder", help="keeps the files there")
    parser.add_argument("--nodes", type=int, default=100_000)
    arguments = parser.parse_args()
    models = {"gpt2": (gpt2, {}, ["--loss=cross-entropy", "--optimizer=adam"]),
              "gpt2, external data": (gpt2, {"external": True}, ["--loss=cross-entropy", "--optimizer=adam"]),
              "resnet50": (resnet50, {}, ["--loss=cross-entropy", "--optimizer=sgd"]),
              f"{arguments.nodes} nodes": (chain, {"nodes": arguments.nodes}, ["--loss=mse", "--optimizer=sgd"])}
    print(f"{'model':24} {'file MiB':>9} {'import s':>9} {'all s':>7} {'MiB':>7}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or temporary
        for number, (name, (make, options, recipe)) in enumerate(models.items()):
            path = os.path.join(folder, f"{number}.onnx")
            # In a process of its own: what this one has ever held would count as dtc's.
            maker = multiprocessing.get_context("fork").Process(target=make, args=(path,), kwargs=options)
            maker.start()
            maker.join()
            if maker.exitcode:
                sys.exit(maker.exitcode)
            size = sum(os.path.getsize(p) for p in (path, path + ".data") if os.path.exists(p)) / 2**20
            runs = [measure([arguments.dtc, path, *recipe, "--explain", "--time-passes"]) for _ in range(3)]
            imported, seconds, memory = (min(column) for column in zip(*runs))
            print(f"{name:24} {size:9.1f} {imported:9.2f} {seconds:7.2f} {memory:7.0f}", flush=True)
            for file in (path, path + ".data"):
                if not arguments.folder and os.path.exists(file):
                    os.remove(file)


main()
