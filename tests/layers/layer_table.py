"""One row for each way to make a layer: class, constructor arguments, shapes of the inputs."""

from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A layer to make and what to feed it."""

    name: str
    arguments: dict[str, Any] = {}
    shape: Any = (3, 7)  # a tuple, or a list of tuples for several inputs
    dtype: str = "float32"
    alone: bool = False  # not compared with Keras 3: it has no such layer, or takes too long

    @property
    def label(self) -> str:
        said = ",".join(f"{key}={value}" for key, value in self.arguments.items())
        return f"{self.name}({said})-{self.shape}"


def first(**more):
    return {"data_format": "channels_first", **more}


STEPS, IMAGE, VOLUME = (2, 7, 3), (2, 7, 6, 3), (2, 5, 4, 6, 2)
PAIR = [(2, 4, 3), (2, 4, 3)]
GATED = {"units": 4, "bias_initializer": "random_normal"}

CORE = [
    Case("Dense", {"units": 5, "activation": "tanh"}),
    Case("Dense", {"units": 5, "use_bias": False}, (2, 3, 4)),
    Case("Dense", {"units": 2, "activity_regularizer": "l2", "kernel_regularizer": "l1"}),
    Case("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 5), "bias_axes": "d"}, STEPS),
    Case("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 5, "activation": "relu"}, STEPS),
    Case("Embedding", {"input_dim": 9, "output_dim": 4}, (3, 5), "int32"),
    Case("Identity"),
    Case("Masking", {"mask_value": 0.0}, STEPS),
    Case("Activation", {"activation": "relu"}),
    Case("Activation", {"activation": "softplus"}),
    Case("ReLU", {"max_value": 0.5, "negative_slope": 0.1, "threshold": 0.2}),
    Case("LeakyReLU"),
    Case("LeakyReLU", {"negative_slope": 0.01}),
    Case("ELU", {"alpha": 0.7}),
    Case("PReLU", {"alpha_initializer": "uniform"}),
    Case("PReLU", {"alpha_initializer": "uniform", "shared_axes": [1, 2]}, IMAGE),
    Case("Softmax"),
    Case("Softmax", {"axis": [1, 2]}, STEPS),
    Case("SReLU", {"shared_axes": [1]}, STEPS, alone=True),
    Case("ParametricSoftplus", {}, STEPS, alone=True),
    Case("ThresholdedReLU", {"theta": 0.3}, alone=True),
    Case("MaxoutDense", {"units": 3, "nb_feature": 2}, alone=True),
    Case("Highway", {"activation": "tanh"}, alone=True),
    Case("TimeDistributedMerge", {"mode": "ave"}, STEPS, alone=True),
    Case("AtrousConvolution1D", {"filters": 4, "kernel_size": 3, "dilation_rate": 2}, STEPS, alone=True),
    Case("AtrousConvolution2D", {"filters": 4, "kernel_size": 3, "dilation_rate": 2}, IMAGE, alone=True),
    Case(
        "Deconvolution2D",
        {"filters": 4, "kernel_size": 2, "output_shape": (None, 8, 7, 4)},
        IMAGE,
        alone=True,
    ),
    Case("CuDNNLSTM", {"units": 4}, STEPS, alone=True),
    Case("CuDNNGRU", {"units": 4, "return_sequences": True}, STEPS, alone=True),
    Case("ActivityRegularization", {"l1": 0.1, "l2": 0.2}),
    *(Case(name, {"rate": 0.3}) for name in ("Dropout", "GaussianDropout", "AlphaDropout")),
    Case("GaussianNoise", {"stddev": 0.3}),
    Case("SpatialDropout1D", {"rate": 0.3}, STEPS),
    Case("SpatialDropout2D", {"rate": 0.3}, IMAGE),
    Case("SpatialDropout3D", {"rate": 0.3}, VOLUME),
]

SHAPES = [
    Case("Flatten", {}, IMAGE),
    Case("Flatten", first(), IMAGE),
    Case("Flatten", {}, (3,)),
    Case("Reshape", {"target_shape": (-1, 2)}, (3, 4)),
    Case("Reshape", {"target_shape": (6, 7, 3)}, IMAGE),
    Case("Permute", {"dims": (3, 1, 2)}, IMAGE),
    Case("RepeatVector", {"n": 4}),
    Case("Cropping1D", {"cropping": (1, 2)}, STEPS),
    Case("Cropping2D", {"cropping": ((1, 0), (2, 1))}, IMAGE),
    Case("Cropping2D", first(cropping=1), IMAGE),
    Case("Cropping3D", {"cropping": (1, 1, 2)}, VOLUME),
    Case("ZeroPadding1D", {"padding": 2}, STEPS),
    Case("ZeroPadding1D", first(padding=(0, 1)), STEPS),
    Case("ZeroPadding2D", {"padding": ((1, 0), (2, 1))}, IMAGE),
    Case("ZeroPadding2D", first(padding=(1, 2)), IMAGE),
    Case("ZeroPadding3D", {}, VOLUME),
    Case("UpSampling1D", {"size": 3}, STEPS),
    Case("UpSampling2D", {"size": (2, 3)}, IMAGE),
    Case("UpSampling2D", first(), IMAGE),
    *(Case("UpSampling2D", {"interpolation": each}, IMAGE) for each in ("bilinear", "bicubic", "lanczos3")),
    Case("UpSampling3D", {"size": (1, 2, 3)}, VOLUME),
    *(Case(name, {}, PAIR) for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")),
    Case("Add", {}, [(2, 1, 3), (2, 4, 3), (2, 3)]),
    Case("Concatenate", {}, PAIR),
    Case("Concatenate", {"axis": 1}, [(2, 4, 3), (2, 1, 3), (2, 2, 3)]),
    Case("Dot", {"axes": 1}, [(3, 4), (3, 4)]),
    Case("Dot", {"axes": (1, 2), "normalize": True}, [(2, 4, 3), (2, 5, 4)]),
    Case("Dot", {"axes": -1}, PAIR),
    *(Case(f"{kind}Pooling1D", {"pool_size": 2}, STEPS) for kind in ("Max", "Average")),
    *(
        Case(f"{kind}Pooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, STEPS)
        for kind in ("Max", "Average")
    ),
    *(Case(f"{kind}Pooling2D", {"pool_size": 2, "padding": "same"}, IMAGE) for kind in ("Max", "Average")),
    *(Case(f"{kind}Pooling2D", first(pool_size=(3, 2), strides=1), IMAGE) for kind in ("Max", "Average")),
    *(Case(f"{kind}Pooling3D", {"pool_size": 2}, VOLUME) for kind in ("Max", "Average")),
    *(
        Case(f"Global{kind}Pooling{rank}D", options, shape)
        for kind in ("Max", "Average")
        for rank, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))
        for options in ({}, first(keepdims=True))
    ),
    *(Case(f"Adaptive{kind}Pooling1D", {"output_size": 3}, STEPS) for kind in ("Max", "Average")),
    *(Case(f"Adaptive{kind}Pooling2D", first(output_size=(3, 2)), IMAGE) for kind in ("Max", "Average")),
    *(
        Case(f"Adaptive{kind}Pooling3D", {"output_size": 2}, VOLUME, alone=True)
        for kind in ("Max", "Average")
    ),
]

CONVOLUTIONS = [
    Case("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, STEPS),
    Case("Conv1D", first(filters=4, kernel_size=3, strides=2, activation="relu"), STEPS),
    Case("Conv2D", {"filters": 4, "kernel_size": (3, 2), "padding": "same", "strides": 2}, IMAGE),
    Case("Conv2D", first(filters=4, kernel_size=3, padding="same"), IMAGE),
    Case("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 3, "use_bias": False}, IMAGE),
    Case("Conv3D", {"filters": 3, "kernel_size": 2}, VOLUME),
    Case("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, STEPS),
    Case("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    Case("DepthwiseConv2D", first(kernel_size=2, depth_multiplier=2), IMAGE),
    Case("SeparableConv1D", {"filters": 4, "kernel_size": 3, "padding": "same"}, STEPS),
    Case("SeparableConv2D", {"filters": 4, "kernel_size": 3, "depth_multiplier": 2}, IMAGE),
    Case("Conv1DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2}, STEPS),
    Case("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    Case("Conv2DTranspose", first(filters=4, kernel_size=(2, 3), strides=2, output_padding=1), IMAGE),
    Case("Conv3DTranspose", {"filters": 3, "kernel_size": 2, "strides": 2}, VOLUME),
    Case("LocallyConnected1D", {"filters": 4, "kernel_size": 3, "strides": 2}, STEPS, alone=True),
    Case("LocallyConnected2D", {"filters": 4, "kernel_size": (3, 2)}, IMAGE, alone=True),
    Case("LocallyConnected2D", first(filters=4, kernel_size=2), IMAGE, alone=True),
    Case("BatchNormalization", {}, IMAGE),
    Case("BatchNormalization", {"axis": 1, "scale": False}, IMAGE),
    Case("BatchNormalization", {"renorm": True, "renorm_clipping": {"rmax": 1.5, "dmax": 0.5}}),
    Case("LayerNormalization", {}, STEPS),
    Case("LayerNormalization", {"axis": (1, 2), "center": False}, IMAGE),
    Case("GroupNormalization", {"groups": 3}, (2, 4, 6)),
    Case("GroupNormalization", {"groups": -1, "axis": 1}, IMAGE),
    Case("RMSNormalization", {}, STEPS),
    Case("UnitNormalization", {}, STEPS),
]

RECURRENT = [
    Case("SimpleRNN", GATED, STEPS),
    Case("SimpleRNN", {**GATED, "return_sequences": True, "unroll": True}, STEPS),
    Case("LSTM", GATED, STEPS),
    Case("LSTM", {**GATED, "return_sequences": True, "go_backwards": True}, STEPS),
    Case("LSTM", {**GATED, "return_state": True, "use_bias": False, "activation": "relu"}, STEPS),
    Case("GRU", GATED, STEPS),
    Case("GRU", {**GATED, "reset_after": False, "return_sequences": True}, STEPS),
    Case("GRU", {**GATED, "return_state": True, "use_bias": False}, STEPS),
    Case("ConvLSTM1D", {"filters": 3, "kernel_size": 2, "return_sequences": True}, (2, 4, 6, 2)),
    Case("ConvLSTM2D", {"filters": 3, "kernel_size": 2, "padding": "same"}, (2, 3, 5, 4, 2)),
    Case("ConvLSTM2D", first(filters=3, kernel_size=2, strides=2, return_state=True), (2, 3, 2, 6, 5)),
    Case("ConvLSTM3D", {"filters": 2, "kernel_size": 2}, (2, 3, 4, 3, 3, 2)),
]

ATTENTION = [
    Case("Attention", {}, [(2, 4, 3), (2, 5, 3), (2, 5, 3)]),
    Case("Attention", {"use_scale": True, "score_mode": "concat"}, [(2, 4, 3), (2, 5, 3)]),
    Case("AdditiveAttention", {}, [(2, 4, 3), (2, 5, 3)]),
]

EVERYTHING = [*CORE, *SHAPES, *CONVOLUTIONS, *RECURRENT, *ATTENTION]


def inputs_of(case: Case, seed: int = 0):
    """Inputs for a case, and whatever fits its weights."""
    draw = np.random.default_rng(seed)

    def make(shape):
        if case.dtype == "int32":
            return draw.integers(0, 9, shape).astype("int32")
        return draw.normal(size=shape).astype("float32")

    return [make(each) for each in case.shape] if isinstance(case.shape, list) else make(case.shape)


def scramble(layer) -> None:
    """Other weights than the initial ones: the same for equal shapes, positive where variances are kept."""
    draw = np.random.default_rng(1)
    for cell in layer.weights:
        value = draw.normal(size=cell.shape) * 0.5
        cell.assign(np.abs(value) + 0.5 if "variance" in cell.path or "stddev" in cell.path else value)
