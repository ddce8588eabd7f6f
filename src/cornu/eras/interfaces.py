"""`keras.legacy.interfaces` of Keras 2: decorators that let functions take the arguments of Keras 1.

Classes and functions here take them anyhow, so these return what they are given.
"""

from collections.abc import Callable


def __getattr__(name: str) -> Callable:
    if name.startswith("legacy_") and name.endswith("_support"):
        return lambda function: function
    raise AttributeError(f"keras.legacy.interfaces has no `{name}`")
