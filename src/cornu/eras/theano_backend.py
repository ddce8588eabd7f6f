"""`keras.backend.theano_backend`."""

from . import backend, backend_engine

__all__ = backend.__all__
__getattr__ = backend_engine.of("theano")
