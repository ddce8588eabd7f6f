"""What all tests share: one device, fixed seeds, the settings as they were after each test."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "jax")  # for the official Keras, where a test asks it

import importlib  # noqa: E402

import jax  # noqa: E402
import pytest  # noqa: E402

import cornu  # noqa: E402
from cornu.eras import run  # noqa: E402

WIDE = jax.config.jax_enable_x64
SETTINGS = dict(cornu.config._settings)  # as an import leaves them


def restore() -> None:
    cornu.config._settings.clear()
    cornu.config._settings.update(SETTINGS)
    if jax.config.jax_enable_x64 != WIDE:  # a test asked for 'float64'
        jax.config.update("jax_enable_x64", WIDE)


@pytest.fixture(autouse=True)
def steady():
    restore()
    cornu.utils.set_random_seed(0)
    yield
    restore()


@pytest.fixture
def keras_is_cornu():
    """`import keras` means Cornu for the length of a test; yields it."""
    run.install()
    yield importlib.import_module("keras")
    run.uninstall()
