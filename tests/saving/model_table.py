"""Models of every layer kind that Keras 3 and Cornu both have, each written once for either library."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A model to make, what to feed it, and how it is compiled."""

    name: str
    make: Callable  # (library) -> model
    inputs: Any  # shapes, in a dict or list where there are several; ("int", shape) for indices below 9
    outputs: Any = (2,)  # shapes without the batch
    compile: dict[str, Any] = {"optimizer": "adam", "loss": "mse"}

    def data(self, batch: int = 4):
        """Inputs and targets, the same each time."""
        draw = np.random.default_rng(7)

        def array(shape):
            if shape and shape[0] == "int":
                return draw.integers(0, 9, (batch, *shape[1])).astype("int32")
            return draw.normal(size=(batch, *shape)).astype("float32")

        def each(shapes):
            if isinstance(shapes, dict):
                return {name: array(shape) for name, shape in shapes.items()}
            return [array(shape) for shape in shapes] if isinstance(shapes, list) else array(shapes)

        return each(self.inputs), each(self.outputs)


def stack(*layers: Callable, shape=(8,)) -> Callable:
    """A Sequential of layers, each a function of the `layers` module."""
    return lambda k: k.Sequential([k.Input(shape), *(make(k.layers) for make in layers)])


def head(k, x):
    return k.layers.Dense(2)(k.layers.Flatten()(x))


def chain(shape, *layers: Callable, dtype=None) -> Callable:
    """A functional model of layers one after the other, ended by a dense layer of two."""

    def make(k):
        x = inputs = k.Input(shape, dtype=dtype)
        for layer in layers:
            x = layer(k.layers)(x)
        return k.Model(inputs, head(k, x))

    return make


def shared(k):
    a, b = k.Input((5,), name="a"), k.Input((5,), name="b")
    both = k.layers.Dense(4, activation="relu")
    return k.Model([a, b], k.layers.Dense(2)(k.layers.Concatenate()([both(a), both(b)])))


def nested(k):
    inner = k.Sequential([k.Input((6,)), k.layers.Dense(5, activation="tanh"), k.layers.BatchNormalization()])
    x = k.Input((5,))
    middle = k.Model(x, [k.layers.Dense(3)(x), k.layers.Dense(3, use_bias=False)(x)], name="middle")
    inputs = k.Input((6,))
    left, right = middle(inner(inputs))
    return k.Model(inputs, k.layers.Dense(2)(k.layers.Add()([left, right])))


def many(k):
    a, b = k.Input((4,), name="left"), k.Input((3,), name="right")
    x = k.layers.Concatenate(axis=-1)([a, b])
    return k.Model([a, b], [k.layers.Dense(2, name="one")(x), k.layers.Dense(3, name="two")(x)])


def by_name(k):
    inputs = {"left": k.Input((4,), name="left"), "right": k.Input((3,), name="right")}
    x = k.layers.Dense(5)(inputs["left"])
    y = k.layers.Dense(5)(inputs["right"])
    outputs = {
        "one": k.layers.Dense(2, name="one")(k.layers.Multiply()([x, y])),
        "two": k.layers.Dense(3, name="two")(k.layers.Average()([x, y])),
    }
    return k.Model(inputs, outputs)


def merges(k):
    a, b = k.Input((4, 3)), k.Input((4, 3))
    kinds = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    merged = [getattr(k.layers, kind)()([a, b]) for kind in kinds]
    merged.append(k.layers.Dot(axes=(1, 1), normalize=True)([a, b]))
    flat = [k.layers.Flatten()(each) for each in merged]
    return k.Model([a, b], k.layers.Dense(2)(k.layers.Concatenate()(flat)))


def attention(k):
    q, v = k.Input((4, 6)), k.Input((5, 6))
    x = k.layers.MultiHeadAttention(num_heads=2, key_dim=3)(q, v)
    y = k.layers.GroupQueryAttention(head_dim=3, num_query_heads=2, num_key_value_heads=1)(q, v)
    z = k.layers.Attention(use_scale=True)([q, v])
    w = k.layers.AdditiveAttention()([q, v])
    return k.Model([q, v], head(k, k.layers.Add()([x, y, z, w])))


def states(k):
    steps, start = k.Input((4, 3)), k.Input((5,))
    sequence, *state = k.layers.LSTM(5, return_sequences=True, return_state=True)(steps)
    x = k.layers.GRU(5)(sequence, initial_state=start)
    return k.Model([steps, start], k.layers.Dense(2)(k.layers.Concatenate()([x, *state])))


def operations(k):
    a, b = k.Input((4, 3)), k.Input((4, 3))
    x = k.ops.relu(a * 2.0 + b) - k.ops.mean(b, axis=1, keepdims=True)
    x = k.ops.concatenate([x[:, 1:], -a / 3.0], axis=1)
    x = k.ops.softmax(k.ops.transpose(x, (0, 2, 1)), axis=-1)
    x = k.ops.reshape(k.ops.matmul(x, k.ops.transpose(x, axes=(0, 2, 1))), (-1, 9))
    return k.Model([a, b], k.layers.Dense(2)(x))


def mixed(k):
    x = inputs = k.Input((6,))
    for _ in range(2):
        x = k.layers.Dense(4, activation="gelu", dtype="mixed_bfloat16")(x)
        x = k.layers.LayerNormalization(dtype="mixed_bfloat16")(x)
    return k.Model(inputs, k.layers.Dense(2, dtype="float32")(x))


def compiled_whole(k):
    schedule = k.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    return {
        "optimizer": k.optimizers.AdamW(schedule, weight_decay=0.01, clipnorm=1.0),
        "loss": k.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        "metrics": ["accuracy", k.metrics.AUC(name="auc")],
        "weighted_metrics": [k.metrics.MeanSquaredError()],
    }


def custom(k):
    """A layer, an activation and a model of the user's own, registered."""
    register = k.saving.register_keras_serializable

    @register("table", name="Scale")
    class Scale(k.layers.Layer):
        def __init__(self, factor=2.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

        def call(self, inputs):
            return inputs * self.scale * self.factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    @register("table", name="shifted")
    def shifted(x):
        return k.ops.relu(x) - 0.5

    inputs = k.Input((5,))
    x = k.layers.Dense(4, activation=shifted)(inputs)
    return k.Model(inputs, k.layers.Dense(2)(Scale(3.0)(x)))


def subclassed(k):
    @k.saving.register_keras_serializable("table", name="Own")
    class Own(k.Model):
        def __init__(self, width=4, **kwargs):
            super().__init__(**kwargs)
            self.width = width
            self.first = k.layers.Dense(width, activation="relu")
            self.blocks = [k.layers.Dense(width), k.layers.LayerNormalization()]
            self.heads = {"out": [k.layers.Dense(2)]}

        def call(self, inputs):
            x = self.first(inputs)
            for block in self.blocks:
                x = block(x)
            return self.heads["out"][0](x)

        def get_config(self):
            return {**super().get_config(), "width": self.width}

    return Own()


IMAGE, STEPS, VOLUME, FILM = (6, 6, 2), (6, 3), (4, 4, 4, 2), (3, 5, 5, 2)
SGD = {"optimizer": {"class_name": "SGD", "config": {"momentum": 0.9, "nesterov": True}}, "loss": "mae"}

CASES = [
    Case(
        "dense",
        stack(
            lambda n: n.Dense(6, activation="relu", kernel_regularizer="l2", bias_constraint="non_neg"),
            lambda n: n.Dropout(0.0, seed=3),
            lambda n: n.Dense(4, use_bias=False, kernel_initializer="he_normal", dtype="float32"),
            lambda n: n.Activation("tanh"),
            lambda n: n.EinsumDense("ab,bc->ac", output_shape=3, bias_axes="c"),
            lambda n: n.Dense(2, activity_regularizer="l1"),
        ),
        (8,),
    ),
    Case(
        "initializers",
        stack(
            *(
                lambda n, each=each: n.Dense(4, kernel_initializer=each)
                for each in (
                    *("glorot_uniform", "glorot_normal", "he_uniform", "lecun_normal", "lecun_uniform"),
                    *("random_uniform", "random_normal", "truncated_normal", "variance_scaling"),
                    *("orthogonal", "zeros", "ones", "identity"),
                )
            ),
            lambda n: n.Dense(2),
            shape=(4,),
        ),
        (4,),
        compile=SGD,
    ),
    Case(
        "activations",
        chain(
            (4, 3),
            lambda n: n.ReLU(max_value=6.0, negative_slope=0.1),
            lambda n: n.LeakyReLU(negative_slope=0.2),
            lambda n: n.ELU(alpha=0.5),
            lambda n: n.PReLU(shared_axes=[1]),
            lambda n: n.Softmax(axis=-1),
            *(lambda n, each=each: n.Activation(each) for each in ("gelu", "silu", "mish", "hard_sigmoid")),
        ),
        (4, 3),
    ),
    Case(
        "conv1d",
        chain(
            STEPS,
            lambda n: n.Conv1D(4, 3, padding="causal", dilation_rate=2),
            lambda n: n.SeparableConv1D(4, 2, depth_multiplier=2, padding="same"),
            lambda n: n.DepthwiseConv1D(2, activation="relu"),
            lambda n: n.Conv1DTranspose(3, 2, strides=2),
            lambda n: n.MaxPooling1D(2),
            lambda n: n.AveragePooling1D(2, strides=1, padding="same"),
        ),
        STEPS,
    ),
    Case(
        "conv2d",
        chain(
            IMAGE,
            lambda n: n.Conv2D(4, 3, padding="same", kernel_regularizer="l2"),
            lambda n: n.BatchNormalization(momentum=0.9),
            lambda n: n.DepthwiseConv2D(3, padding="same"),
            lambda n: n.SeparableConv2D(4, (2, 3), padding="same", use_bias=False),
            lambda n: n.Conv2DTranspose(2, 3, strides=(2, 1), padding="same"),
            lambda n: n.Conv2D(4, 1, groups=2, strides=(2, 1)),
            lambda n: n.MaxPooling2D(),
            lambda n: n.AveragePooling2D((1, 2)),
        ),
        IMAGE,
    ),
    Case(
        "conv2d_first",
        chain(
            (2, 5, 5),
            lambda n: n.Conv2D(3, 2, data_format="channels_first"),
            lambda n: n.BatchNormalization(axis=1),
            lambda n: n.GlobalMaxPooling2D(data_format="channels_first", keepdims=True),
        ),
        (2, 5, 5),
    ),
    Case(
        "conv3d",
        chain(
            VOLUME,
            lambda n: n.Conv3D(2, 2, padding="same"),
            lambda n: n.Conv3DTranspose(2, 2),
            lambda n: n.MaxPooling3D(2),
            lambda n: n.AveragePooling3D(2),
        ),
        VOLUME,
    ),
    *(
        Case(
            f"global_{rank}d",
            lambda k, rank=rank, shape=shape: (
                lambda x: k.Model(
                    x,
                    k.layers.Dense(2)(
                        k.layers.Add()(
                            [
                                getattr(k.layers, f"Global{kind}Pooling{rank}D")()(x)
                                for kind in ("Max", "Average")
                            ]
                        )
                    ),
                )
            )(k.Input(shape)),
            shape,
        )
        for rank, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))
    ),
    Case(
        "normalizations",
        chain(
            (4, 6),
            lambda n: n.LayerNormalization(axis=-1),
            lambda n: n.GroupNormalization(groups=3),
            lambda n: n.RMSNormalization(),
            lambda n: n.UnitNormalization(),
            lambda n: n.BatchNormalization(scale=False),
            lambda n: n.SpectralNormalization(n.Dense(3)),
        ),
        (4, 6),
    ),
    Case(
        "noise",
        chain(
            (4, 3),
            lambda n: n.GaussianNoise(0.0),
            lambda n: n.GaussianDropout(0.0),
            lambda n: n.AlphaDropout(0.0),
            lambda n: n.SpatialDropout1D(0.0),
            lambda n: n.ActivityRegularization(l1=0.01, l2=0.02),
        ),
        (4, 3),
    ),
    Case(
        "rnn", chain(STEPS, lambda n: n.SimpleRNN(4, return_sequences=True), lambda n: n.SimpleRNN(3)), STEPS
    ),
    Case(
        "lstm",
        chain(
            STEPS,
            lambda n: n.LSTM(4, return_sequences=True, go_backwards=True),
            lambda n: n.LSTM(3, unit_forget_bias=False, recurrent_regularizer="l2"),
        ),
        STEPS,
    ),
    Case(
        "gru",
        chain(
            STEPS,
            lambda n: n.GRU(4, return_sequences=True, reset_after=False),
            lambda n: n.GRU(3, bias_initializer="random_normal"),
        ),
        STEPS,
    ),
    Case(
        "cells",
        chain(
            STEPS,
            lambda n: n.RNN([n.LSTMCell(4), n.GRUCell(3)], return_sequences=True),
            lambda n: n.RNN(n.SimpleRNNCell(3)),
        ),
        STEPS,
    ),
    Case(
        "bidirectional",
        chain(
            STEPS,
            lambda n: n.Bidirectional(n.LSTM(3, return_sequences=True), merge_mode="sum"),
            lambda n: n.Bidirectional(n.GRU(2), backward_layer=n.GRU(2, go_backwards=True)),
        ),
        STEPS,
    ),
    Case(
        "time_distributed",
        chain(
            FILM,
            lambda n: n.TimeDistributed(n.Conv2D(2, 2)),
            lambda n: n.TimeDistributed(n.Flatten()),
            lambda n: n.TimeDistributed(n.Dense(3)),
        ),
        FILM,
    ),
    Case(
        "conv_lstm",
        chain(
            FILM,
            lambda n: n.ConvLSTM2D(2, 2, return_sequences=True, padding="same"),
            lambda n: n.TimeDistributed(n.Reshape((5, 10))),
            lambda n: n.ConvLSTM1D(2, 2),
        ),
        FILM,
    ),
    Case("states", states, [STEPS[:0] + (4, 3), (5,)]),
    Case("attention", attention, [(4, 6), (5, 6)]),
    Case(
        "embedding",
        chain(
            (5,),
            lambda n: n.Embedding(9, 4, mask_zero=True, embeddings_initializer="random_normal"),
            lambda n: n.LSTM(3, return_sequences=True),
            lambda n: n.Masking(),
            lambda n: n.GRU(2),
            dtype="int32",
        ),
        ("int", (5,)),
    ),
    Case("merges", merges, [(4, 3), (4, 3)]),
    Case(
        "shapes_1d",
        chain(
            STEPS,
            lambda n: n.ZeroPadding1D(1),
            lambda n: n.Cropping1D((0, 1)),
            lambda n: n.UpSampling1D(2),
            lambda n: n.Permute((2, 1)),
            lambda n: n.Reshape((-1,)),
            lambda n: n.RepeatVector(2),
        ),
        STEPS,
    ),
    Case(
        "shapes_2d",
        chain(
            IMAGE,
            lambda n: n.ZeroPadding2D(((1, 0), (0, 2))),
            lambda n: n.Cropping2D(1),
            lambda n: n.UpSampling2D((2, 1), interpolation="bilinear"),
        ),
        IMAGE,
    ),
    Case(
        "shapes_3d",
        chain(
            VOLUME,
            lambda n: n.ZeroPadding3D(1),
            lambda n: n.Cropping3D((1, 1, 2)),
            lambda n: n.UpSampling3D((1, 2, 1)),
        ),
        VOLUME,
    ),
    Case("shared", shared, [(5,), (5,)]),
    Case("nested", nested, (6,)),
    Case(
        "many",
        many,
        [(4,), (3,)],
        [(2,), (3,)],
        {"optimizer": "rmsprop", "loss": ["mse", "mae"], "loss_weights": [1.0, 0.5]},
    ),
    Case(
        "by_name",
        by_name,
        {"left": (4,), "right": (3,)},
        {"one": (2,), "two": (3,)},
        {"optimizer": "nadam", "loss": {"one": "mse", "two": "huber"}},
    ),
    Case("operations", operations, [(4, 3), (4, 3)]),
    Case("mixed", mixed, (6,), compile=SGD),
    Case("custom", custom, (5,)),
    Case("subclassed", subclassed, (5,)),
]
