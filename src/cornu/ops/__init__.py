"""Operations on arrays, cells and symbols."""

from . import operators  # noqa: F401  (gives cells and symbols their operators)
from .numpy import *  # noqa: F403
