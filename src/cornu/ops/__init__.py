"""Operations on arrays, cells and symbols, under the names and with the arguments of Keras 3."""

from . import control, image, indexing, linalg, maths, nn, numpy, operators
from .control import *
from .indexing import *
from .linalg import *
from .maths import *
from .nn import *
from .numpy import *

__all__ = sorted(
    {
        *("image", "linalg", "nn", "numpy"),
        *control.__all__,
        *indexing.__all__,
        *linalg.__all__,
        *maths.__all__,
        *nn.__all__,
        *numpy.__all__,
    }
)
