"""Initializers have the distributions of their era, draw again or not as it did, and take what users bring."""

import math
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import config, initializers
from cornu.initializers import draw
from cornu.random import SeedGenerator
from cornu.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")

RANDOM = (
    "GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Orthogonal RandomNormal RandomUniform "
    "TruncatedNormal VarianceScaling"
).split()
FIXED = ["Constant", "Identity", "Ones", "Zeros"]


def of_era(era, name, *args, **settings):
    with config.era_scope(era):
        return getattr(initializers, name)(*args, **settings)


# ---- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANDOM + FIXED + ["STFT"])
@pytest.mark.parametrize("dtype", [None, "float16", "bfloat16"])
def test_shape_type_and_configuration(name, dtype):
    made, shape = getattr(initializers, name)(), (6, 1, 5) if name == "STFT" else (6, 5)
    value = made(shape, dtype=dtype)
    assert value.shape == shape and value.dtype == (dtype or "float32") and isinstance(value, jax.Array)
    again = initializers.deserialize(initializers.serialize(made))
    assert type(again) is type(made) and again.get_config() == made.get_config()
    assert type(made.clone()) is type(made)


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    cls = getattr(initializers, name)
    first, second = cls(seed=3), cls(seed=3)
    np.testing.assert_array_equal(first((4, 3)), second((4, 3)))
    np.testing.assert_array_equal(first((4, 3)), first((4, 3)))
    assert not np.allclose(first((4, 3)), cls(seed=4)((4, 3)))
    assert not np.allclose(cls()((4, 3)), cls()((4, 3)))
    running = cls(seed=SeedGenerator(1))
    assert not np.allclose(running((4, 3)), running((4, 3)))


@pytest.mark.parametrize("era, again", [(1, False), (2, False), (3, True)])
def test_without_a_seed_only_era_3_draws_the_same_twice(era, again):
    made = of_era(era, "RandomNormal")
    with config.era_scope(era):
        assert np.allclose(made((3,)), made((3,))) is again
    assert made.get_config()["seed"] is None


@pytest.mark.parametrize("era", [1, 2])
def test_numpys_seed_fixes_weights_in_the_old_eras(era):
    made = of_era(era, "GlorotUniform")
    with config.era_scope(era):
        np.random.seed(5)
        first = made((3, 2))
        np.random.seed(5)
        np.testing.assert_array_equal(made((3, 2)), first)


def test_era_1_draws_what_keras_1_drew_on_theano():
    np.random.seed(1337)
    got = of_era(1, "GlorotUniform")((4, 3)), of_era(1, "RandomNormal")((2,))
    np.random.seed(1337)
    limit = math.sqrt(6 / (4 + 3))
    np.testing.assert_array_equal(got[0], np.random.uniform(-limit, limit, (4, 3)).astype("float32"))
    np.testing.assert_array_equal(got[1], np.random.normal(0.0, 0.05, (2,)).astype("float32"))


def test_drawing_compiles_nothing():
    compiled = []
    with jax.log_compiles():
        jax.monitoring.register_event_duration_secs_listener(lambda name, _, **__: compiled.append(name))
        for name in RANDOM:
            getattr(initializers, name)()((7, 11))
        Variable(initializers.get("glorot_uniform"), (13, 17))
        Variable(initializers.get("zeros"), (13, 19), "bfloat16")
    jax.monitoring.clear_event_listeners()
    assert not [name for name in compiled if "compile" in name]


# ---- distributions -------------------------------------------------------------------------------

WIDE = (200, 300)
VARIANCE = {
    "GlorotNormal": 2 / 500,
    "GlorotUniform": 2 / 500,
    "HeNormal": 2 / 200,
    "HeUniform": 2 / 200,
    "LecunNormal": 1 / 200,
    "LecunUniform": 1 / 200,
    "RandomNormal": 0.05**2,
    "RandomUniform": 0.1**2 / 12,
}


@pytest.mark.parametrize("era", [1, 2, 3])
@pytest.mark.parametrize("name", VARIANCE)
def test_mean_and_variance(name, era):
    values = np.asarray(of_era(era, name)(WIDE))
    assert abs(values.mean()) < 0.02 * math.sqrt(VARIANCE[name])
    assert values.var() == pytest.approx(VARIANCE[name], rel=0.02)


@pytest.mark.parametrize("name", ["GlorotNormal", "HeNormal", "LecunNormal", "VarianceScaling"])
@pytest.mark.parametrize("era, cut", [(1, False), (2, True), (3, True)])
def test_normal_draws_are_cut_from_era_2_on(name, era, cut):
    values = np.asarray(of_era(era, name)(WIDE))
    furthest = np.abs(values).max() / values.std()
    assert furthest < 2 / 0.87 if cut else furthest > 3.5


def test_truncated_normal():
    values = np.asarray(initializers.TruncatedNormal(1.0, 0.5)(WIDE))
    assert values.min() > 0 and values.max() < 2
    assert values.std() == pytest.approx(0.5 * 0.8796, rel=0.01)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (3, 3, 2, 4)])
@pytest.mark.parametrize("era", [1, 2, 3])
def test_orthogonal(shape, era):
    values = np.asarray(of_era(era, "Orthogonal", 2.0)(shape))
    matrix = values.reshape(shape[0], -1) if era == 1 else values.reshape(-1, shape[-1])
    matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(matrix @ matrix.T, 4 * np.eye(len(matrix)), atol=1e-5)


@pytest.mark.parametrize(
    "shape, era, fans",
    [
        ((3, 4), 3, (3, 4)),
        ((5,), 3, (5, 5)),
        ((), 3, (1, 1)),
        ((3, 16, 32), 3, (48, 96)),
        ((3, 3, 16, 32), 3, (144, 288)),
        ((3, 3, 16, 32), 1, (144, 288)),
        ((2, 3, 4, 16, 32), 3, (384, 768)),
        ((2, 3, 4, 16, 32), 1, (96, 192)),  # Keras 1 counted two spatial axes whatever their number
        ((4, 9, 5), 1, (math.sqrt(180), math.sqrt(180))),
    ],
)
def test_fans(shape, era, fans):
    assert initializers.compute_fans(shape, era=era) == pytest.approx(fans)
    assert initializers.compute_fans((2, 3, 5), (0, 1), (2,)) == (6, 5)


# ---- against Keras 3 -----------------------------------------------------------------------------

SIGNATURES = [
    ("Constant", (2.5,), (3, 2)),
    ("Constant", ([1.0, 2.0],), (3, 2)),
    ("Identity", (3.0,), (3, 2)),
    ("Ones", (), (3,)),
    ("Zeros", (), (3,)),
    ("STFT", ("real", "hann", "density"), (8, 1, 5)),
    ("STFT", ("imag", "hamming", "spectrum", True), (8, 1, 5)),
    ("STFT", ("imag", None), (8, 1, 5)),
]


@pytest.mark.oracle
@pytest.mark.parametrize("name, args, shape", SIGNATURES)
def test_constants_are_those_of_keras_3(name, args, shape):
    keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of this test")
    own, other = getattr(initializers, name)(*args), getattr(keras.initializers, name)(*args)
    np.testing.assert_allclose(own(shape), other(shape), atol=1e-5)


@pytest.mark.oracle
def test_names_and_configurations_are_those_of_keras_3():
    keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of this test")
    names = {name for name in dir(keras.initializers) if not name.startswith("_")}
    assert names == set(initializers.__all__)
    for name in {*RANDOM, *FIXED, "STFT"} - {"Identity"}:  # Keras forgets the gain of an Identity
        own, other = getattr(initializers, name)(), getattr(keras.initializers, name)()
        assert own.get_config() == other.get_config()
        assert initializers.serialize(own) == keras.initializers.serialize(other)


# ---- what users bring ----------------------------------------------------------------------------


def keras_1(shape, name=None):
    return Variable(np.full(shape, 2.0, "float32"), name=name)


def keras_1_ordered(shape, scale=2.0, name=None, dim_ordering="th"):
    assert dim_ordering == "tf"
    return np.full(shape, scale)


class Twos(initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return jnp.full(shape, 2.0, dtype)


@pytest.mark.parametrize(
    "function",
    [
        keras_1,
        keras_1_ordered,
        lambda shape, name: keras_1(shape, name),
        lambda shape: np.full(shape, 2.0),
        lambda shape, dtype=None: np.full(shape, 2, dtype),
        lambda shape, dtype=None, **kwargs: np.full(shape, 2, dtype),
        Twos(),
        Twos,
        np.full((3, 2), 2.0),
        Variable(np.full((3, 2), 2.0)),
    ],
)
@pytest.mark.parametrize("era", [1, 3])
def test_users_initializers(function, era):
    with config.era_scope(era):
        made = draw(initializers.get(function), (3, 2), "float32")
    np.testing.assert_array_equal(made, np.full((3, 2), 2.0))


def test_keyword_only_users_of_the_eras():
    with config.era_scope(1):
        draw(lambda shape, **kwargs: keras_1(shape, **kwargs), (3,))
    with config.era_scope(3):
        draw(lambda shape, **kwargs: np.ones(shape, **kwargs), (3,))


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: draw(lambda shape: np.ones(3), (2,)), r"shape \(2,\) was asked for, it made \(3,\)"),
        (lambda: draw(initializers.get(np.ones(3)), (2,)), r"shape \(2,\) was asked for"),
        (lambda: initializers.get("glorot_unifrom"), "Did you mean 'glorot_uniform'"),
        (lambda: initializers.VarianceScaling(0.0), "`scale` is above 0; got 0.0"),
        (lambda: initializers.VarianceScaling(mode="fan"), "`mode` is one of fan_in"),
        (lambda: initializers.VarianceScaling(distribution="flat"), "`distribution` is one of"),
        (lambda: initializers.RandomNormal(seed="x"), "`seed` is an int or a SeedGenerator"),
        (lambda: initializers.Identity()((2, 2, 2)), "makes matrices"),
        (lambda: initializers.Orthogonal()((2,)), "makes matrices"),
        (lambda: initializers.STFT("left"), "'real' or 'imag'"),
        (lambda: initializers.STFT(scaling="x"), "'density', 'spectrum' or None"),
        (lambda: initializers.STFT(window=np.ones(3))((4, 1, 3)), r"shape \(4,\) is needed"),
    ],
)
def test_bad_arguments(make, words):
    with pytest.raises(ValueError, match=words):
        make()
