#!/usr/bin/env python3
# Models as TensorFlow, Keras and MXNet export them, each imported, compiled, trained and compared with the framework's own curve.
#
#   frameworks.py FOLDER [--models=keras_cnn] [--ways=keras,tf2onnx] [--strategies="none;data:2;pipe:2"] [--steps=20] [--dtc=PATH]
#
# Ways: `keras`, the model's own export(format="onnx"); `tf2onnx`, that package as it stands; `plain`, it without its optimizers, which
# fold batch normalisation into convolutions and cancel transposes; `training`, as `plain`, of what the model does in training, where it
# normalises with the batch's statistics; `mx2onnx`, MXNet's. Python's environment must have what FOLDER lacks: tensorflow, keras, tf_keras
# (Keras 2), tf2onnx and onnx (PyPI, Python 3.11), or mxnet 1.9.1 (numpy below 1.24, onnx 1.12, protobuf below 4; Python 3.8). Files, samples and curves are made once and used again. As in zoo.py, both train with SGD from the same
# weights on the same samples; a row is the largest relative difference of a loss to the framework's in f64 (`none`), or to those of `none`,
# and behind it that of the framework's own f32.
# Status 1 if a file is refused, a program fails, or a difference is above 2e-4 and four times the framework's own (`none`), or above 1e-5
# and a tenth of it (strategies).
import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zoo

BATCH = zoo.BATCH
KERAS, MXNET, WAYS = {}, {}, {}


def family(ways, library="keras"):
    def add(function):
        KERAS[function.__name__] = function, library
        WAYS[function.__name__] = ways.split(",")
        return function
    return add


#===-- Keras --===#


def cnn(keras, normalised):
    """Padding that is not the same on both sides, a residual addition and a concatenation between convolutions."""
    L = keras.layers
    x = image = keras.Input((8, 8, 3), name="input")
    x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    x = L.BatchNormalization()(x) if normalised else x
    x = y = L.Conv2D(8, 3, padding="same", use_bias=not normalised)(x)
    x = L.BatchNormalization()(x) if normalised else x
    x = L.Activation("elu")(x)
    x = L.add([L.Conv2D(8, 1)(x), y])
    x = L.MaxPooling2D(2)(x)
    x = L.concatenate([L.Conv2D(4, 1, activation="sigmoid")(x), x])
    return keras.Model(image, L.Dense(5)(L.GlobalAveragePooling2D()(x)))


@family("keras,tf2onnx,plain")
def keras_cnn(keras):
    return cnn(keras, False)


@family("training")
def keras_norm(keras):
    return cnn(keras, True)


@family("plain", library="tf_keras")
def keras2_norm(keras):
    return cnn(keras, True)


@family("keras,plain")
def keras_flat(keras):
    """A padding apart, and elements that are flattened in their order with channels last."""
    L = keras.layers
    x = image = keras.Input((8, 8, 3), name="input")
    x = L.Conv2D(6, 3, strides=2)(L.ZeroPadding2D(1)(x))
    x = L.AveragePooling2D(2, padding="same")(L.ReLU(6)(x))
    return keras.Model(image, L.Dense(5)(L.Flatten()(x)))


@family("keras,plain")
def keras_mobile(keras):
    """Depthwise and separable convolutions, squeezed and excited, a transposed one and a resized image."""
    L = keras.layers
    x = image = keras.Input((8, 8, 3), name="input")
    x = L.Conv2D(8, 3, strides=2, padding="same", activation="silu")(x)
    y = L.ReLU(6)(L.DepthwiseConv2D(3, padding="same")(x))
    z = L.GlobalAveragePooling2D(keepdims=True)(y)
    z = L.Conv2D(8, 1, activation="sigmoid")(L.Conv2D(4, 1, activation="relu")(z))
    x = L.add([x, L.multiply([y, z])])
    x = L.SeparableConv2D(6, 3, padding="same", activation="silu")(x)
    x = L.UpSampling2D(2)(L.Conv2DTranspose(4, 2, strides=2)(x))
    return keras.Model(image, L.Dense(5)(L.GlobalAveragePooling2D()(x)))


@family("keras,plain")
def keras_encoder(keras):
    """A block of a transformer's encoder on tokens. Its gelu is the approximate one: of the other tf2onnx makes an `Erfc` that ONNX lacks."""
    L = keras.layers
    tokens = keras.Input((6,), dtype="int32", name="input")
    x = L.Embedding(12, 8)(tokens)
    x = L.LayerNormalization()(L.add([x, L.MultiHeadAttention(2, 4)(x, x)]))
    y = L.Dense(8)(L.Dense(16, activation=lambda y: keras.activations.gelu(y, approximate=True))(x))
    x = L.LayerNormalization()(L.add([x, y]))
    return keras.Model(tokens, L.Dense(5)(L.GlobalAveragePooling1D()(x)))


@family("keras,plain")
def keras_lstm(keras):
    L = keras.layers
    tokens = keras.Input((5,), dtype="int32", name="input")
    return keras.Model(tokens, L.Dense(5)(L.LSTM(6)(L.Embedding(12, 4)(tokens))))


def keras_model(name, dtype="float32"):
    import numpy
    make, library = KERAS[name]
    keras = __import__(library)
    policy = keras.mixed_precision.set_global_policy if library == "tf_keras" else keras.config.set_dtype_policy
    keras.backend.set_floatx(dtype)
    policy(dtype)
    keras.utils.set_random_seed(0)
    model = make(keras)
    # Weights as training leaves them: from those of a new model TensorFlow folds biases of 0 and scales of 1 away.
    numbers = numpy.random.default_rng(0)
    model.set_weights([numbers.uniform(0.5, 1.5, w.shape).astype("float32") if len(w.shape) < 2 and (w == 1).all() else
                       numbers.normal(0, w.shape[0] ** -0.5 if len(w.shape) < 3 else numpy.prod(w.shape[:-1]) ** -0.5, w.shape).astype("float32")
                       for w in model.get_weights()])
    return model


def export_keras(name, way, path):
    import numpy
    import tensorflow as tf
    model = keras_model(name)
    if way == "keras":
        model(numpy.zeros((BATCH, *model.inputs[0].shape[1:]), model.inputs[0].dtype))  # Keras exports only what was called.
        model.export(path, format="onnx", verbose=False)
        return
    import onnx
    import tf2onnx
    from keras.src.export.tf2onnx_lib import patch_tf2onnx
    patch_tf2onnx()  # tf2onnx 1.17 means numpy 1.
    function = tf.function(lambda x: model(x, training=way == "training"))
    signature = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), model.inputs[0].dtype, name="input")]
    optimize = tf2onnx.optimizer.optimize_graph
    if way != "tf2onnx":
        tf2onnx.optimizer.optimize_graph = lambda graph, *_, **__: graph
    try:
        made, _ = tf2onnx.convert.from_function(function, signature, opset=17)
    finally:
        tf2onnx.optimizer.optimize_graph = optimize
    onnx.save(made, path)


def keras_curve(name, x, y, steps, rate, dtype):
    import tensorflow as tf
    model = keras_model(name, dtype)
    losses = []
    for step in range(steps):
        at = slice(step * BATCH, (step + 1) * BATCH)
        with tf.GradientTape() as tape:
            logits = model(tf.constant(x[at]) if x.dtype.kind == "i" else tf.constant(x[at].astype(dtype)), training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y[at], logits))
        for variable, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables)):
            variable.assign(variable - rate * tf.convert_to_tensor(gradient))
        losses.append(float(loss))
    return losses


#===-- MXNet --===#


def mxnet_cnn():
    """Gluon's layers: batch normalisation with its moving statistics as auxiliary states, a residual addition, flattened."""
    from mxnet.gluon import nn

    class Block(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            with self.name_scope():
                self.stem, self.norm = nn.Conv2D(8, 3, strides=2, padding=1, use_bias=False, in_channels=3), nn.BatchNorm(in_channels=8)
                self.inner = nn.Conv2D(8, 3, padding=1, in_channels=8)
                self.pool, self.head = nn.MaxPool2D(2), nn.Dense(5, in_units=32)

        def hybrid_forward(self, F, x):
            x = F.relu(self.norm(self.stem(x)))
            x = F.LeakyReLU(self.inner(x), act_type="leaky", slope=0.1) + x
            return self.head(self.pool(x))

    return Block()


MXNET["mxnet_cnn"] = mxnet_cnn
WAYS["mxnet_cnn"] = ["mx2onnx"]


def mxnet_model(name):
    import mxnet as mx
    mx.random.seed(0)
    model = MXNET[name]()
    model.initialize(mx.init.Xavier())
    return model


def export_mxnet(name, way, path):
    import mxnet as mx
    import numpy
    model = mxnet_model(name)
    symbol = model(mx.sym.var("input"))
    values = {name: value.data() for name, value in model.collect_params().items()}
    mx.onnx.export_model(symbol, values, [(BATCH, 3, 8, 8)], numpy.float32, path, dynamic=True, dynamic_input_shapes=[("N", 3, 8, 8)])


def mxnet_curve(name, x, y, steps, rate, dtype):
    import mxnet as mx
    model = mxnet_model(name)
    model.cast(dtype)
    trainer = mx.gluon.Trainer(model.collect_params(), "sgd", {"learning_rate": rate})
    entropy = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    losses = []
    for step in range(steps):
        at = slice(step * BATCH, (step + 1) * BATCH)
        with mx.autograd.record():
            loss = entropy(model(mx.nd.array(x[at], dtype=dtype)), mx.nd.array(y[at])).mean()
        loss.backward()
        trainer.step(1)
        losses.append(float(loss.asscalar()))
    return losses


#===-- both --===#


def export(name, way, path):
    (export_keras if name in KERAS else export_mxnet)(name, way, path)


def inputs_of(name, count, numbers):
    import numpy
    if name in MXNET:
        return numbers.standard_normal((count, 3, 8, 8)).astype(numpy.float32)
    spec = keras_model(name).inputs[0]
    shape = (count, *spec.shape[1:])
    return numbers.integers(0, 12, shape).astype(numpy.int32) if spec.dtype == "int32" else numbers.standard_normal(shape).astype(numpy.float32)


def data_and_curves(name, folder, steps, rate):
    """The samples of all steps and the framework's losses on them in f64 and in f32, made once."""
    curves, inputs, labels = (os.path.join(folder, f"{name}.{what}") for what in ("curves.json", "input.npy", "label.npy"))
    if not os.path.exists(curves):
        import numpy
        numbers = numpy.random.default_rng(1)
        x = inputs_of(name, steps * BATCH, numbers)
        y = numbers.integers(0, 5, steps * BATCH)
        numpy.save(inputs, x)
        numpy.save(labels, y)
        curve = mxnet_curve if name in MXNET else keras_curve
        made = [curve(name, x, y, steps, rate, dtype) for dtype in ("float64", "float32")]
        with open(curves, "w") as file:
            json.dump(made, file)
    with open(curves) as file:
        return *json.load(file), inputs, labels


def main():
    parser = argparse.ArgumentParser(description="models as TensorFlow, Keras and MXNet export them")
    parser.add_argument("folder")
    parser.add_argument("--models", default=",".join([*KERAS, *MXNET]))
    parser.add_argument("--ways", default="keras,tf2onnx,plain,training,mx2onnx")
    parser.add_argument("--strategies", default="none")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--dtc", default=os.path.join(zoo.ROOT, "build", "release", "bin", "dtc"))
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    bad = total = 0
    for name in arguments.models.split(","):
        for way in WAYS[name]:
            if way not in arguments.ways.split(","):
                continue
            path = os.path.join(arguments.folder, f"{name}-{way}.onnx")
            if not os.path.exists(path):
                export(name, way, path)
            exact, rounded, inputs, labels = data_and_curves(name, arguments.folder, arguments.steps, arguments.lr)
            own = zoo.difference(rounded, exact)
            alone = None
            for strategy in arguments.strategies.split(";"):
                total += 1
                losses = zoo.train(arguments.dtc, path, strategy, inputs, labels, arguments.steps, arguments.lr, arguments.folder)
                if isinstance(losses, str):
                    verdict, isBad = losses, True
                else:
                    if strategy == "none":
                        alone = losses
                    beside = alone if strategy != "none" and alone else exact
                    far = zoo.difference(losses, beside)
                    isBad = not far <= (max(2e-4, 4 * own) if beside is exact else max(1e-5, own / 10))
                    verdict = f"{far:.1e} ({own:.1e}){'  DIFFERS' if isBad else ''}"
                bad += isBad
                print(f"{name:16} {way:14} {strategy:24} {verdict[:240]}", flush=True)
    print(f"{total} programs, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
