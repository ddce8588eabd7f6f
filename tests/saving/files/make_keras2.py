"""Writes the files `keras2_*.h5` and what Keras 2.3.1 computes with them: run with that version, on either backend.

On TensorFlow 1 Adam and its kin read the number of the update after it was counted up, in some graphs: what they do
is recorded on Theano.

    KERAS_BACKEND=tensorflow python make_keras2.py FOLDER
"""

import os
import sys

import h5py
import keras
import numpy as np
from keras import layers as n
from keras.engine import saving

BACKEND = keras.backend.backend()


def chain(shape, *steps, **more):
    x = inputs = keras.Input(shape, **more)
    for step in steps:
        x = step(x)
    return keras.Model(inputs, n.Dense(2)(n.Flatten()(x) if len(x._keras_shape) > 2 else x))


def shared():
    a, b = keras.Input((4,)), keras.Input((4,))
    both = n.Dense(3, activation="relu")
    x, y = both(a), both(b)
    merged = [kind()([x, y]) for kind in (n.Add, n.Subtract, n.Multiply, n.Average, n.Maximum, n.Concatenate)]
    return keras.Model([a, b], [n.Dense(2)(n.Concatenate()(merged)), n.Dense(1)(n.Dot(1)([x, y]))])


def nested():
    inner = keras.Sequential(
        [
            n.Dense(4, input_shape=(5,)),
            n.BatchNormalization(),
            n.Dense(3, activation="tanh"),
            n.BatchNormalization(),
        ]
    )
    return keras.Sequential(
        [n.Dense(5, input_shape=(4,)), inner, n.LeakyReLU(), n.PReLU(), n.ELU(), n.Dense(2)]
    )


def frozen():
    inner = keras.Sequential([n.Dense(4, input_shape=(5,)), n.BatchNormalization(), n.Dense(3)])
    for layer in inner.layers:
        layer.trainable = False
    return keras.Sequential([n.Dense(5, input_shape=(4,)), inner, n.Dense(2)])


def film():
    return chain(
        (3, 5, 5, 2),
        n.ConvLSTM2D(2, 2, return_sequences=True),
        n.TimeDistributed(n.Conv2D(2, 2)),
        n.TimeDistributed(n.BatchNormalization()),
    )


def wide():
    """Names too long for one attribute."""
    long = "w" * 200
    layers = [n.Dense(1, name="%s_%03d" % (long, i), use_bias=False) for i in range(330)]
    return (
        keras.Sequential([n.Dense(1, input_shape=(1,)), *layers[:1]])
        if BACKEND == "theano"
        else keras.Sequential([n.Dense(1, input_shape=(1,)), *layers])
    )


def cudnn():
    """The plain layers; `as_cudnn` makes of their weights what CuDNNLSTM and CuDNNGRU keep, which need a GPU."""
    return chain(
        (5, 3),
        n.LSTM(4, return_sequences=True, recurrent_activation="sigmoid"),
        n.GRU(3, reset_after=True, recurrent_activation="sigmoid"),
    )


def as_cudnn(path):
    CuDNNLSTM, CuDNNGRU = (type(name, (), {}) for name in ("CuDNNLSTM", "CuDNNGRU"))
    with h5py.File(path, "r+") as file:
        for name, kind in (("lstm_1", CuDNNLSTM), ("gru_1", CuDNNGRU)):
            names = list(file[name].attrs["weight_names"])
            target = kind()
            target.units = 3
            arrays = saving._convert_rnn_weights(target, [file[name][each][()] for each in names])
            for each, array in zip(names, arrays):
                del file[name][each]
                file[name][each] = array


FIRST = {"data_format": "channels_first"}
MODELS = {
    "dense": lambda: keras.Sequential(
        [n.Dense(6, activation="relu", input_shape=(8,), kernel_regularizer="l2"), n.Dropout(0.0), n.Dense(2)]
    ),
    "conv1d": lambda: chain(
        (7, 3),
        n.Conv1D(4, 3, padding="causal"),
        n.SeparableConv1D(3, 2),
        n.MaxPooling1D(2),
        n.LocallyConnected1D(2, 2),
    ),
    "conv2d": lambda: chain(
        (7, 6, 2),
        n.Conv2D(3, (3, 2), activation="relu"),
        n.BatchNormalization(),
        n.DepthwiseConv2D(2),
        n.SeparableConv2D(3, 2, padding="same"),
        n.Conv2DTranspose(2, 2),
        n.AveragePooling2D(2),
    ),
    "conv2d_first": lambda: chain(
        (2, 6, 5),
        n.Conv2D(3, (3, 2), **FIRST),
        n.BatchNormalization(axis=1),
        n.Conv2DTranspose(2, 2, **FIRST),
        n.GlobalAveragePooling2D(**FIRST),
    ),
    "conv3d": lambda: chain((4, 4, 4, 2), n.Conv3D(2, 2), n.MaxPooling3D(2)),
    "embedding": lambda: chain((5,), n.Embedding(9, 4, mask_zero=True), n.LSTM(3), dtype="int32"),
    "recurrent": lambda: chain(
        (5, 3),
        n.SimpleRNN(4, return_sequences=True),
        n.LSTM(4, return_sequences=True),
        n.GRU(3, return_sequences=True),
        n.GRU(3, reset_after=True),
    ),
    "bidirectional": lambda: chain(
        (5, 3), n.Bidirectional(n.LSTM(3, return_sequences=True)), n.Bidirectional(n.GRU(2), merge_mode="sum")
    ),
    "cells": lambda: chain((5, 3), n.RNN([n.LSTMCell(3), n.GRUCell(2)])),
    "film": film,
    "shapes": lambda: chain(
        (4, 6),
        n.ZeroPadding1D(1),
        n.Cropping1D(1),
        n.UpSampling1D(2),
        n.Permute((2, 1)),
        n.Reshape((8, 6)),
        n.Activation("softsign"),
        n.ThresholdedReLU(0.1),
    ),
    "shared": shared,
    "nested": nested,
    "frozen": frozen,
    "cudnn": cudnn,
    "chunks": wide,
    **{
        "optimizer_" + name: lambda name=name: chain((4,), n.Dense(3, activation="tanh"))
        for name in ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax", "nadam")
    },
}


def one(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


def write(folder, name):
    getattr(keras.backend, "clear_session", int)()
    draw = np.random.RandomState(7)
    model = MODELS[name]()
    model.set_weights([np.abs(draw.normal(size=w.shape)) * 0.5 + 0.1 for w in model.get_weights()])
    xs = [
        draw.randint(0, 9, (4,) + s[1:])
        if "embedding" in name
        else draw.normal(size=(4,) + s[1:]).astype("float32")
        for s in ([t._keras_shape for t in model.inputs])
    ]
    ys = [draw.normal(size=(4,) + t._keras_shape[1:]).astype("float32") for t in model.outputs]
    path = os.path.join(folder, "keras2_%s_%s.h5" % (BACKEND, name))
    kept = {}
    if name == "cudnn":  # which runs on a GPU only: the weights, and the numbers of the plain layers
        model.save_weights(path)
        as_cudnn(path)
        outputs = model.predict(xs)
    else:
        optimizer = name.partition("optimizer_")[2] or "rmsprop"
        model.compile(optimizer, "mse")
        if name != "chunks":
            for _ in range(2):
                model.train_on_batch(one(xs), one(ys))
        model.save(path)
        outputs = model.predict(one(xs))
        if name != "chunks":
            kept["losses"] = np.array([np.ravel(model.train_on_batch(one(xs), one(ys)))[0] for _ in range(3)])
    outputs = outputs if isinstance(outputs, list) else [outputs]
    kept.update({"x%d" % i: x for i, x in enumerate(xs)})
    kept.update({"y%d" % i: y for i, y in enumerate(ys)})
    kept.update({"out%d" % i: o for i, o in enumerate(outputs)})
    np.savez(path[:-3] + ".npz", **kept)


if __name__ == "__main__":
    for each in sys.argv[2:] or MODELS:
        try:
            write(sys.argv[1], each)
        except Exception as error:
            print(each, type(error).__name__, error)
