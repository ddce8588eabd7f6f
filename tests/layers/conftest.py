"""What the tests of layers share."""

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def compile_fast():
    """Nearly all the time here goes into compiling, and each program runs once or twice."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
