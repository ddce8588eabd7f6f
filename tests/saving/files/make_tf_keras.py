"""Writes files of tf.keras and what it computes with them, into FOLDER: run with TensorFlow 2.15.

python make_tf_keras.py FOLDER
"""

import os
import sys

import numpy as np
import tensorflow as tf

keras = tf.keras
n, old = keras.layers, keras.optimizers.legacy


def chain(shape, *steps, **more):
    x = inputs = keras.Input(shape, **more)
    for step in steps:
        x = step(x)
    return keras.Model(inputs, n.Dense(2)(n.Flatten()(x) if len(x.shape) > 2 else x))


def dense():
    return keras.Sequential(
        [
            n.Dense(
                6, activation="gelu", input_shape=(8,), kernel_regularizer="l2", bias_constraint="non_neg"
            ),
            n.Dropout(0.0),
            n.Dense(3, kernel_initializer=keras.initializers.HeNormal(3)),
            n.LeakyReLU(0.2),
            n.PReLU(),
            n.Dense(2, dtype="float32"),
        ]
    )


def small():
    return chain((4,), n.Dense(3, activation="tanh"))


def shared():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    both = n.Dense(3, activation="relu")
    x, y = both(a), both(b)
    merged = [kind()([x, y]) for kind in (n.Add, n.Subtract, n.Multiply, n.Average, n.Maximum, n.Minimum)]
    whole = n.Dense(2, name="one")(n.Concatenate()(merged))
    return keras.Model({"a": a, "b": b}, [whole, n.Dense(1, name="two")(n.Dot(1)([x, y]))])


def nested():
    inner = keras.Sequential([n.Dense(4, input_shape=(5,)), n.BatchNormalization(), n.Dense(3)])
    x = keras.Input((3,))
    middle = keras.Model(x, [n.Dense(2)(x), n.BatchNormalization()(x)], name="middle")
    inputs = keras.Input((5,))
    return keras.Model(inputs, n.Dense(2)(n.Concatenate()(middle(inner(inputs)))))


def attention():
    q, v = keras.Input((4, 6)), keras.Input((5, 6))
    x = n.MultiHeadAttention(2, 3)(q, v)
    y = n.Attention(use_scale=True)([q, v])
    z = n.AdditiveAttention()([q, v])
    return keras.Model([q, v], n.Dense(2)(n.Flatten()(n.Add()([x, y, z]))))


def operations():
    a, b = keras.Input((4, 3)), keras.Input((4, 3))
    x = tf.nn.relu(a * 2.0 + b) - tf.reduce_mean(b, axis=1, keepdims=True)
    return keras.Model([a, b], n.Dense(2)(n.Flatten()(x)))


def mixed():
    x = inputs = keras.Input((6,))
    x = n.Dense(4, activation="relu", dtype="mixed_bfloat16")(x)
    return keras.Model(inputs, n.Dense(2, dtype="float32")(x))


MODELS = {
    "dense": dense,
    "conv1d": lambda: chain(
        (7, 3),
        n.Conv1D(4, 3, padding="causal", dilation_rate=2),
        n.SeparableConv1D(4, 2),
        n.Conv1DTranspose(3, 2),
        n.MaxPooling1D(2),
    ),
    "conv2d": lambda: chain(
        (7, 6, 2),
        n.Conv2D(4, (3, 2), activation="swish"),
        n.BatchNormalization(),
        n.DepthwiseConv2D(2),
        n.SeparableConv2D(4, 2, padding="same"),
        n.Conv2DTranspose(2, 2, strides=2),
        n.Conv2D(4, 1, groups=2),
        n.AveragePooling2D(2),
        n.SpatialDropout2D(0.0),
    ),
    "recurrent": lambda: chain(
        (5, 3),
        n.SimpleRNN(4, return_sequences=True),
        n.LSTM(4, return_sequences=True),
        n.GRU(3, return_sequences=True),
        n.GRU(3, return_sequences=True, reset_after=False),
        n.Bidirectional(n.GRU(2, return_sequences=True), merge_mode="sum"),
        n.RNN([n.LSTMCell(3), n.GRUCell(2)]),
    ),
    "hard_sigmoid": lambda: chain((5, 3), n.LSTM(4, recurrent_activation="hard_sigmoid")),
    "film": lambda: chain(
        (3, 5, 5, 2),
        n.ConvLSTM2D(2, 2, return_sequences=True),
        n.TimeDistributed(n.Conv2D(2, 2)),
        n.TimeDistributed(n.BatchNormalization()),
    ),
    "embedding": lambda: chain((5,), n.Embedding(9, 4, mask_zero=True), n.LSTM(3), dtype="int32"),
    "normalizations": lambda: chain(
        (4, 6), n.LayerNormalization(), n.GroupNormalization(3), n.UnitNormalization(), n.BatchNormalization()
    ),
    "shared": shared,
    "nested": nested,
    "attention": attention,
    "operations": operations,
    "mixed": mixed,
    "classes": lambda: chain((4,), n.Dense(3)),
    **{"optimizer_" + name: small for name in ("sgd", "rmsprop", "adam", "nadam", "adamw", "schedule")},
    **{"legacy_" + name: small for name in ("sgd", "rmsprop", "adagrad", "adam", "nadam")},
}
COMPILED = {
    "classes": {
        "loss": keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        "metrics": ["accuracy", keras.metrics.TopKCategoricalAccuracy(1, name="best")],
    },
    "shared": {
        "loss": {"one": "mse", "two": keras.losses.Huber(0.5)},
        "loss_weights": {"one": 1.0, "two": 0.5},
    },
}
OPTIMIZERS = {
    "optimizer_sgd": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "optimizer_adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.01, clipnorm=1.0),
    "optimizer_schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9), amsgrad=True
    ),
    "optimizer_rmsprop": lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "optimizer_adam": lambda: "adam",
    "optimizer_nadam": lambda: "nadam",
    "legacy_sgd": lambda: old.SGD(0.01, momentum=0.9, nesterov=True, decay=0.1),
    "legacy_rmsprop": lambda: old.RMSprop(0.01),
    "legacy_adagrad": lambda: old.Adagrad(0.01),
    "legacy_adam": lambda: old.Adam(0.01),
    "legacy_nadam": lambda: old.Nadam(0.01),
}


def write(folder, name):
    keras.backend.clear_session()
    draw = np.random.RandomState(7)
    model = MODELS[name]()
    model.set_weights([np.abs(draw.normal(size=w.shape)) * 0.1 + 0.05 for w in model.get_weights()])

    def filled(tensor):
        shape = (4, *tensor.shape[1:])
        return draw.randint(0, 9, shape) if tensor.dtype == tf.int32 else draw.normal(size=shape).astype("f")

    xs = tf.nest.map_structure(filled, model.input)
    ys = [draw.normal(size=(4, *t.shape[1:])).astype("f") for t in model.outputs]
    given = {"loss": "mse", "metrics": ["mae"], **COMPILED.get(name, {})}
    ys = ys if len(ys) > 1 else ys[0]
    if name == "classes":
        ys = np.eye(ys.shape[-1], dtype="f")[ys.argmax(-1)]
    model.compile(OPTIMIZERS.get(name, lambda: "sgd")(), **given)
    for _ in range(2):
        model.train_on_batch(xs, ys)
    path = os.path.join(folder, "tf_keras_" + name)
    for ending in (".h5", ".keras"):
        model.save(path + ending)
    outputs = tf.nest.flatten(model.predict(xs, verbose=0))
    losses = [np.ravel(model.train_on_batch(xs, ys))[0] for _ in range(3)]
    kept = {"losses": np.array(losses)}
    for kind, arrays in (("x", tf.nest.flatten(xs)), ("y", tf.nest.flatten(ys)), ("out", outputs)):
        kept.update({f"{kind}{i}": array for i, array in enumerate(arrays)})
    np.savez_compressed(path + ".npz", **kept)


if __name__ == "__main__":
    for each in sys.argv[2:] or MODELS:
        try:
            write(sys.argv[1], each)
        except Exception as error:
            print(each, type(error).__name__, error)
