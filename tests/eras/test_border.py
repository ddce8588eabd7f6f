"""Old calls mean what they meant, by the signatures of Keras 1.2.2 and 2.3.1, copied from their sources."""

import inspect
import re
from pathlib import Path

import pytest
import surface

import cornu
from cornu.eras import border

OLD_ONLY = ("ConvRecurrent2D", "Recurrent", "TFOptimizer")  # of no public module of today
HOMES = ("keras.layers.", "keras.optimizers", "keras.constraints", "keras.callbacks")
CALLS = [
    (1, each.name, each.text.replace(", **kwargs", "").replace("**kwargs", ""))
    for each in surface.entries()
    if each.is_class and each.parameters and each.module.startswith(HOMES) and each.name not in OLD_ONLY
] + [
    (2, *line.removesuffix(")").split("(", 1))
    for line in Path(__file__).with_name("signatures-2.3.1.txt").read_text("utf-8").splitlines()
]
CALLS = [pytest.param(*call, id=f"{call[0]}-{call[1]}") for call in CALLS]
# Defaults that are written otherwise today and mean the same.
SAME = {"ReduceLROnPlateau": {"min_lr"}, "TensorBoard": {"log_dir"}, "ZeroPadding3D": {"padding"}}
FAMILIES = "layers optimizers constraints callbacks initializers".split()


def found(old_name: str) -> tuple[str, inspect.Signature, dict]:
    """Today's name of a class, its constructor, and all that it takes with the defaults: its bases' too."""
    for family in FAMILIES:
        name = border.rename(family, old_name)
        if cls := getattr(getattr(cornu, family), name, None):
            takes: dict = {}
            for each in cls.__mro__:
                for parameter in inspect.signature(vars(each).get("__init__", lambda: 0)).parameters.values():
                    takes.setdefault(parameter.name, parameter.default)
            return name, inspect.signature(cls.__init__), takes
    pytest.skip(f"{old_name} is not here yet")


def old_parameters(text: str) -> dict:
    function = eval(f"lambda {text}: None")
    return {name: each.default for name, each in inspect.signature(function).parameters.items()}


def plain(value):
    """One of several spellings of the same value."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return border.rename("initializers", value.lower()) if isinstance(value, str) else value


@pytest.mark.parametrize("era, name, text", CALLS)
def test_by_place_is_by_name(era, name, text):
    old = old_parameters(text)
    values = {each: object() for each in old}
    values |= {each: 7 for each in ("input_dim", "input_length") if each in old}
    values |= {each: old[each] for each in ("mode", "dropout", "period", "forget_bias_init") if each in old}
    name, signature, takes = found(name)
    cornu.set_era(era)
    by_name = border.translate(name, signature, (), values, takes)
    assert border.translate(name, signature, tuple(values.values()), {}, takes) == by_name
    assert by_name[1].keys() <= takes.keys()


@pytest.mark.parametrize("era, name, text", CALLS)
def test_defaults_are_those_of_the_era(era, name, text):
    old = old_parameters(text)
    required = {each: 3 for each, default in old.items() if default is inspect.Parameter.empty}
    name, signature, takes = found(name)
    cornu.set_era(era)
    short = border.translate(name, signature, (), required, takes)[1]
    long = border.translate(name, signature, (), {**old, **required}, takes)[1]
    for argument in long.keys() - SAME.get(name, set()):
        default = {"decay": 0.0}.get(argument, takes[argument])
        assert plain(short.get(argument, default)) == plain(long[argument]), argument


def translate(name: str, *args, **kwargs) -> dict:
    name, signature, takes = found(name)
    placed, named = border.translate(name, signature, args, kwargs, takes)
    assert not placed
    return named


def call(text: str) -> dict:
    """What a call, written as text, comes to."""
    name, given = text.removesuffix(")").split("(", 1)
    return eval(f"translate({name!r}, {given})", {"translate": translate})


@pytest.mark.parametrize(
    "old, new",
    [
        ("Dense(output_dim=5, input_dim=3)", "Dense(units=5, input_shape=(3,))"),
        ("Dense(5, init='zero', bias=False)", "Dense(5, kernel_initializer='zeros', use_bias=False)"),
        ("Dense(5, batch_input_shape=(2, 3), input_dim=9)", "Dense(5, batch_shape=(2, 3))"),
        ("Convolution2D(nb_filter=8, nb_row=3, nb_col=2)", "Conv2D(filters=8, kernel_size=(3, 2))"),
        ("Convolution2D(8, 3, border_mode='half', subsample=2)", "Conv2D(8, 3, padding='same', strides=2)"),
        ("MaxPooling2D(dim_ordering='th')", "MaxPooling2D(data_format='channels_first')"),
        ("MaxPooling2D((2, 2), None, 'half', 'tf')", "MaxPooling2D((2, 2), None, 'same', 'channels_last')"),
        ("MaxPooling2D(dim_ordering='default')", "MaxPooling2D(data_format=None)"),
        ("LSTM(4, input_dim=3, input_length=7)", "LSTM(4, input_shape=(7, 3))"),
        ("LSTM(4, input_dim=3)", "LSTM(4, input_shape=(None, 3))"),
        ("LSTM(4, forget_bias_init='zero', consume_less='gpu')", "LSTM(4, unit_forget_bias=False)"),
        ("Embedding(9, 4, init='normal')", "Embedding(9, 4, embeddings_initializer='random_normal')"),
        (
            "SeparableConvolution2D(4, 3, init='one')",
            "SeparableConv2D(4, 3, depthwise_initializer='ones', pointwise_initializer='ones')",
        ),
        ("LeakyReLU(alpha=0.1)", "LeakyReLU(negative_slope=0.1)"),
        ("BatchNormalization(gamma_init='one')", "BatchNormalization(gamma_initializer='ones')"),
        ("Adam(lr=0.1)", "Adam(learning_rate=0.1)"),
    ],
)
def test_old_words(old, new):
    assert call(old) == call(new)


def test_todays_words_are_left_alone():
    assert call("Dense(units=5, activation='relu')") == {"units": 5, "activation": "relu"}
    assert call("Embedding(input_dim=9, output_dim=4)") == {"input_dim": 9, "output_dim": 4}


def test_orthogonal_weights_were_wider_in_era_1():
    for era, gain in ((1, 1.1), (2, 1.0), (3, 1.0)):
        cornu.set_era(era)
        assert cornu.initializers.Orthogonal().gain == cornu.initializers.get("orthogonal").gain == gain


def test_three_whole_numbers_are_rows_and_columns_until_keras_3():
    kernel = {1: {"kernel_size": (3, 5)}, 2: {"kernel_size": (3, 5)}, 3: {"kernel_size": 3, "strides": 5}}
    for era, expected in kernel.items():
        cornu.set_era(era)
        assert translate("Conv2D", 32, 3, 5) == {"filters": 32} | expected
    cornu.set_era(2)
    assert translate("Conv2D", 32, (3, 3), 2) == {"filters": 32, "kernel_size": (3, 3), "strides": 2}


@pytest.mark.parametrize(
    "era, text, message",
    [
        (
            3,
            "Dense(units=3, output_dim=3)",
            "Dense: `output_dim` is the old name of `units`; give one of them",
        ),
        (
            3,
            "Dense(output_dim=3, units=3)",
            "Dense: `output_dim` is the old name of `units`; give one of them",
        ),
        (3, "Dense(3, output_dim=3)", "Dense: `output_dim` is the old name of `units`; give one of them"),
        (3, "Dense(3, units=3)", "Dense: `units` is given twice"),
        (1, "Dense(3, output_dim=3)", "Dense: `output_dim` is given twice"),
        (3, "Dense(unit=3)", "Dense has no argument `unit`. Did you mean `units`?"),
        (3, "Dense(3, W_regulariser='l2')", "Did you mean `W_regularizer`?"),
        (3, "Dense(3, qqq=1)", "Dense has no argument `qqq`. It takes units, activation"),
        (1, "Dense(*range(12))", "Dense takes at most 11 arguments by their place"),
        (3, "Conv2D(8, nb_row=3)", "Conv2D: `nb_row` given without `nb_col`"),
        (
            1,
            "Conv2D(8, (3, 3))",
            "`nb_row` given without `nb_col`; together they make what is now `kernel_size`",
        ),
        (3, "Conv2D(8, 3, nb_row=3, nb_col=3)", "`nb_row` and `nb_col` are the old names of `kernel_size`"),
        (3, "Conv2D(8, 3, subsample=2, strides=2)", "`subsample` is the old name of `strides`"),
        (3, "SeparableConv2D(8, 3, init='one', depthwise_initializer='one')", "`init` is the old name of"),
        (3, "LSTM(3, forget_bias_init='uniform')", "LSTM: `forget_bias_init` may only be 'one' or"),
    ],
)
def test_faults_are_told(era, text, message):
    cornu.set_era(era)
    with pytest.raises(TypeError, match=re.escape(message)):
        call(text)


def test_old_arguments_that_are_dropped_have_only_values_that_can_be():
    signature = inspect.signature(lambda filepath: None)
    assert border.translate("ModelCheckpoint", signature, ("x",), {"period": 1}) == ((), {"filepath": "x"})
    with pytest.raises(TypeError, match="ModelCheckpoint: `period` may only be 1 here; got 2"):
        border.translate("ModelCheckpoint", signature, ("x",), {"period": 2})
    own = inspect.signature(lambda filepath, period=1: None)
    made = border.translate("ModelCheckpoint", own, ("x",), {"period": 2})
    assert made == ((), {"filepath": "x", "period": 2})


def test_methods():
    @border.method("Model.fit")
    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto"):
        """Train."""
        return x, batch_size, epochs

    assert fit(None, X=1, nb_epoch=3) == (1, None, 3)
    assert fit(None, 1, 2, 8, 3) == (1, 8, 3)
    assert fit.__doc__ == "Train." and list(inspect.signature(fit).parameters)[:2] == ["self", "x"]
    cornu.set_era(1)
    assert fit(None, 1) == (1, 32, 10)
    with pytest.raises(TypeError, match="Model.fit has no argument `epoch`. Did you mean `epochs`?"):
        fit(None, 1, epoch=3)

    class Model:
        @border.method("Model.train_on_batch")
        def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None):
            return sample_weight, class_weight

    class Sequential(Model):
        pass

    assert Model().train_on_batch(0, 0, "w", "c") == ("w", "c")
    assert Sequential().train_on_batch(0, 0, "c", "w") == ("w", "c")


def test_functions():
    @border.method("to_categorical")
    def to_categorical(x, num_classes=None):
        return x, num_classes

    assert to_categorical([1], nb_classes=3) == to_categorical([1], 3) == to_categorical(y=[1], nb_classes=3)


# ---- constructors: on the library's own layers --------------------------------------------------------


class Named(cornu.layers.Dense):
    """A user's class with its own words."""

    def __init__(self, output_dim, **kwargs):
        super().__init__(output_dim=output_dim, init="zero", **kwargs)


class Open(cornu.layers.Dense):
    """A user's class that passes everything on."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


def test_constructor_keeps_what_it_was_given():
    layer = cornu.layers.Dense(output_dim=5, input_dim=3, W_regularizer="l2")
    assert layer._arguments == {"units": 5, "input_shape": (3,), "kernel_regularizer": "l2"}
    assert layer.units == 5 and layer._era == 3
    with cornu.era_scope(1):
        assert cornu.layers.Dense(5, "uniform")._era == 1


def test_users_classes_have_their_own_words():
    layer = Named(output_dim=4, name="mine")
    assert layer.units == 4 and layer._arguments == {"output_dim": 4, "name": "mine"}
    with pytest.raises(TypeError, match="Named: missing a required argument: 'output_dim'"):
        Named(units=4)
    assert Named.from_config({"output_dim": 4}).units == 4


def test_arguments_passed_on_without_names_get_them():
    layer = Open(4, "relu", name="mine")
    assert layer._arguments == {"units": 4, "activation": "relu", "name": "mine"}
    with cornu.era_scope(1):
        assert Open(4, "zero", "relu")._arguments["kernel_initializer"] == "zeros"


def test_a_class_without_constructor_speaks_for_itself():
    with pytest.raises(TypeError, match="MaxPooling2D has no argument `pool`"):
        cornu.layers.MaxPooling2D(pool=2)


def test_missing_arguments_are_told_with_the_class():
    with pytest.raises(TypeError, match="Dense: missing a required argument: 'units'"):
        cornu.layers.Dense()


@pytest.mark.parametrize(
    "era, name, expected",
    [
        (1, "MaxPooling2D", ("maxpooling2d", 1)),
        (1, "Conv2D", ("convolution2d", 1)),
        (1, "BatchNormalization", ("batchnormalization", 1)),
        (2, "Conv2D", ("conv2d", 1)),
        (2, "BatchNormalization", ("batch_normalization", 1)),
        (3, "BatchNormalization", ("batch_normalization", 0)),
        (3, "PReLU", ("p_re_lu", 0)),
    ],
)
def test_automatic_names(era, name, expected):
    cornu.set_era(era)
    assert border.layer_name(name) == expected
