"""Loads the compiled library and oneDNN, and makes JAX primitives whose work is done there."""

import contextlib
import ctypes
import functools
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

HANDLERS = ("cornu_attention", "cornu_convolution", "cornu_pooling", "cornu_recurrent")


def _onednn() -> Path:
    """Where the wheel of oneDNN put its library."""
    name = "libdnnl.so.3"
    for file in metadata.files("onednn-cpu-gomp") or ():
        if file.name == name:
            return Path(file.locate()).resolve()
    raise ImportError(f"cornu_kernels: the package onednn-cpu-gomp is installed without its {name}")


@contextlib.contextmanager
def _short_waits():
    """OpenMP's threads wait for their next work in a loop; XLA's threads need the cores before long.

    OpenMP reads this when it is loaded, unless the user has said something else.
    """
    name = "GOMP_SPINCOUNT"
    ours = not {name, "OMP_WAIT_POLICY"} & set(os.environ)
    if ours:
        os.environ[name] = "1000"
    try:
        yield
    finally:
        if ours:
            del os.environ[name]


@functools.cache
def load() -> ctypes.CDLL:
    """The compiled library, with its handlers made known to XLA.

    Raises ImportError where it, oneDNN, or a library that oneDNN needs (OpenMP's) cannot be loaded.
    """
    try:
        with _short_waits():
            ctypes.CDLL(str(_onednn()))  # found by its name from now on
        library = ctypes.CDLL(str(Path(__file__).with_name("_kernels.so")))
    except (OSError, metadata.PackageNotFoundError) as error:
        raise ImportError(f"cornu_kernels: cannot load the compiled library: {error}") from error
    for name in HANDLERS:
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")
    return library


@functools.cache
def types() -> tuple:
    """The types that this CPU computes in: float32, and bfloat16 on those that have it."""
    return (jnp.float32, jnp.bfloat16) if load().cornu_has_bfloat16() else (jnp.float32,)


def primitive(name: str, shapes: Callable, compute: Callable, several: bool = False) -> Primitive:
    """A primitive on the CPU.

    Args:
        shapes: `(*avals, **params) -> ShapeDtypeStruct`, or a tuple of them if `several`.
        compute: `(*arrays, **params) -> array or tuple`, in JAX.
        several: whether it returns a tuple.
    """
    made = Primitive(name)
    made.multiple_results = several

    def abstract(*avals, **params):
        return jax.tree.map(
            lambda each: jax.core.ShapedArray(each.shape, each.dtype), shapes(*avals, **params)
        )

    @functools.cache
    def compiled(params):
        return jax.jit(functools.partial(compute, **dict(params)))

    made.def_abstract_eval(abstract)
    made.def_impl(lambda *arrays, **params: compiled(tuple(sorted(params.items())))(*arrays))
    mlir.register_lowering(made, mlir.lower_fun(compute, several), platform="cpu")
    return made


def no_change(x) -> ad.Zero:
    """The tangent of what does not depend on anything."""
    return ad.Zero(jax.core.ShapedArray(x.shape, x.dtype))


def differentiated_by_jax(made: Primitive, fn: Callable) -> None:
    """Let the tangent of a primitive be that of `fn`, which computes the same in JAX."""

    def jvp(primals, tangents, **params):
        fixed = [type(each) is ad.Zero for each in tangents]

        def of_the_moving(*moving):
            moving = iter(moving)
            return fn(
                *(x if still else next(moving) for x, still in zip(primals, fixed, strict=True)), **params
            )

        move = [x for x, still in zip(primals, fixed, strict=True) if not still]
        change = [each for each, still in zip(tangents, fixed, strict=True) if not still]
        return jax.jvp(of_the_moving, move, change)

    ad.primitive_jvps[made] = jvp


def filled(change):
    """A tangent or slope with its zeros written out."""
    return ad.instantiate_zeros(change) if type(change) is ad.Zero else change


def to_changes(slopes, operands) -> list:
    """Slopes for those operands of a linear map that it is to be transposed in; None for all others."""
    wanted = [each if ad.is_undefined_primal(x) else None for each, x in zip(slopes, operands, strict=False)]
    return [*wanted, *(None for _ in operands[len(wanted) :])]


def over_batches(made: Primitive, folds: Callable) -> None:
    """Let `vmap` fold its axis into the batch where `folds(which operands have one)`, and loop otherwise."""

    def rule(operands, axes, **params):
        has = [axis is not None for axis in axes]
        moved = [
            jnp.moveaxis(x, axis, 0) if own else x for x, axis, own in zip(operands, axes, has, strict=True)
        ]
        bind = functools.partial(made.bind, **params)
        if folds(has):
            count = next(x.shape[0] for x, own in zip(moved, has, strict=True) if own)
            flat = [x.reshape(-1, *x.shape[2:]) if own else x for x, own in zip(moved, has, strict=True)]
            out = jax.tree.map(lambda x: x.reshape(count, -1, *x.shape[1:]), bind(*flat))
        else:
            mapped = [x for x, own in zip(moved, has, strict=True) if own]

            def once(parts):
                parts = iter(parts)
                return bind(*(next(parts) if own else x for x, own in zip(moved, has, strict=True)))

            out = jax.lax.map(once, mapped)
        return out, ([0] * len(out) if made.multiple_results else 0)

    batching.primitive_batchers[made] = rule
