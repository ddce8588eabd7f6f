"""`keras.backend`: in era 3 the few names that Keras 3 has; in eras 1 and 2 all that they had."""

import jax.numpy as jnp

from . import config, dtypes, registry
from .eras import backend as of_eras
from .eras import backend_settings
from .symbol import is_symbol


def _result_type(*given) -> str:
    """The data type that arrays of these types make together."""
    return dtypes.standardize_dtype(jnp.result_type(*map(dtypes.standardize_dtype, given)))


NAMES = {  # of era 3; the module has none of them itself, since in other eras some are other functions
    **{name: getattr(config, name) for name in ("backend", "epsilon", "floatx", "image_data_format")},
    **{name: getattr(config, name) for name in ("set_epsilon", "set_floatx", "set_image_data_format")},
    "clear_session": backend_settings.clear_session,
    "get_uid": backend_settings.get_uid,
    "is_float_dtype": dtypes.is_float,
    "is_int_dtype": dtypes.is_int,
    "is_keras_tensor": is_symbol,
    "result_type": _result_type,
    "standardize_dtype": dtypes.standardize_dtype,
}
__all__ = sorted(NAMES)


def __getattr__(name: str):
    if config.era() < 3 and (hasattr(of_eras, name) or name not in NAMES):
        return getattr(of_eras, name)
    if name in NAMES:
        return NAMES[name]
    way_out = registry.nearest(name, __all__)
    if name in of_eras.__all__:
        way_out = f" It was K.{name} in eras 1 and 2, which cornu.set_era chooses; today there is keras.ops."
    raise AttributeError(f"keras.backend has no `{name}`.{way_out}")
