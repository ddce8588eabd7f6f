"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu

NAMES = sorted(
    each.name
    for each in pkgutil.walk_packages(cornu.__path__, "cornu.")
    if not each.name.endswith("__main__")
)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", NAMES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    shared = {"cornu": cornu, "np": np, "jnp": jnp, "jax": jax}
    known = {**vars(cornu.layers), **vars(cornu.optimizers), **shared, **vars(module)}
    result = doctest.testmod(module, extraglobs=known, optionflags=FLAGS)
    assert not result.failed
