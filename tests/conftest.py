"""What all tests share: one device, fixed seeds, the era back to 3 after each test."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "jax")  # for the official Keras, where a test asks it

import pytest  # noqa: E402

import cornu  # noqa: E402


@pytest.fixture(autouse=True)
def steady():
    cornu.set_era(3)
    cornu.utils.set_random_seed(0)
    yield
    cornu.set_era(3)
