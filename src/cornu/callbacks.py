"""Objects that are told what happens while a model trains."""

from .training.callbacks import *  # noqa: F403
from .training.callbacks import __all__ as __all__
