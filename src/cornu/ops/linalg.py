"""Linear algebra: decompositions, equations, norms. Matrices are the last two axes; those before are a batch."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

from ..dtypes import as_array
from ..variable import unwrap
from .table import follow_all, plain
from .wrap import op

# signature -> name -> what it is; `jax.numpy.linalg` has it under the same name
TABLE = {
    "x": {
        "det": "Determinant.",
        "eig": "Eigenvalues and right eigenvectors (as columns) of a square matrix; on the CPU only.",
        "eigh": "Eigenvalues, smallest first, and eigenvectors (as columns) of a symmetric matrix.",
        "inv": "Inverse matrix.",
    },
    "x, rcond=None": {
        "pinv": "Pseudo-inverse (Moore-Penrose); singular values below `rcond` times the largest are 0."
    },
    "x, full_matrices=True, compute_uv=True": {
        "svd": "Singular value decomposition: `u`, the values (largest first) and `v` transposed; or the values."
    },
    "a, b": {"solve": "The x with `a @ x == b`."},
}
globals().update(follow_all(jnp.linalg, TABLE, __name__))


def _needs_matrices(name: str, x) -> None:
    if x.ndim < 2:
        raise ValueError(f"{name}: expected matrices, (..., m, n); got shape {x.shape}")


@op
def cholesky(x, upper: bool = False):
    """The lower triangular L with `x == L @ L.T`; or the upper U with `x == U.T @ U`.

    Raises ValueError when x is not positive definite (where x is data; under `jit` the result is NaN).
    """
    factor = jnp.linalg.cholesky(as_array(x), upper=upper)
    if not isinstance(factor, jax.core.Tracer) and jnp.isnan(factor).any():
        raise ValueError("cholesky: the matrix is not positive definite")
    return factor


@op
def cholesky_inverse(x, upper: bool = False):
    """The inverse of the matrix whose Cholesky factor is x."""
    x = as_array(x)
    inverse = solve_triangular(x, jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape), not upper)
    transposed = inverse.swapaxes(-1, -2)
    return inverse @ transposed if upper else transposed @ inverse


@op
def lu_factor(x):
    """`L` below and `U` on and above the diagonal of one matrix, and which row was exchanged with each."""
    x = as_array(x)
    _needs_matrices("lu_factor", x)
    return tuple(lax.linalg.lu(x)[:2])


@op
def qr(x, mode: str = "reduced"):
    """Orthogonal q and upper triangular r with `q @ r == x`; 'reduced' or 'complete'."""
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode is 'reduced' or 'complete'; got {mode!r}")
    return tuple(jnp.linalg.qr(as_array(x), mode))


@op
def norm(
    x, ord: int | float | str | None = None, axis: int | Sequence[int] | None = None, keepdims: bool = False
):
    """Norms of vectors (one axis) or matrices (two axes); of all elements as one vector if `axis` is None.

    Args:
        ord: as in NumPy: None (2, Frobenius), a number, 'fro', 'nuc'.
    """
    x = as_array(x)
    return jnp.linalg.norm(x.astype(jnp.result_type(x, float)), ord, plain(axis), keepdims)


@op
def solve_triangular(a, b, lower: bool = False):
    """The x with `a @ x == b` for a triangular a, of which only that triangle is read."""
    a, b = as_array(a), as_array(b)
    columns = b[..., None] if b.ndim == a.ndim - 1 else b
    x = lax.linalg.triangular_solve(a, columns, left_side=True, lower=lower)
    return x.reshape(b.shape)


@op
def lstsq(a, b, rcond: float | None = None):
    """The shortest x that minimises `|a @ x - b|`; singular values below `rcond` times the largest count as 0."""
    return jnp.linalg.lstsq(as_array(a), as_array(b), rcond)[0]


@op
def matrix_rank(x, tol: float | None = None):
    """How many singular values are larger than `tol`."""
    x = as_array(x)
    _needs_matrices("matrix_rank", x)
    return jnp.linalg.matrix_rank(x, tol=tol).astype("int32")


def jvp(fun: Callable, primals: Sequence, tangents: Sequence, has_aux: bool = False) -> tuple:
    """The value of `fun(*primals)` and its derivative in the direction of `tangents`.

    Args:
        has_aux: `fun` returns (value, more); the result has `more` as a third.

    Example:
        >>> from cornu import ops
        >>> value, slope = ops.jvp(lambda x: x**2, (3.0,), (1.0,))
        >>> float(value), float(slope)
        (9.0, 6.0)
    """
    primals, tangents = (jax.tree.map(as_array, tuple(unwrap(list(each)))) for each in (primals, tangents))
    return jax.jvp(lambda *args: unwrap(fun(*args)), primals, tangents, has_aux=has_aux)


__all__ = [
    *(name for row in TABLE.values() for name in row),
    *(
        "cholesky",
        "cholesky_inverse",
        "jvp",
        "lstsq",
        "lu_factor",
        "matrix_rank",
        "norm",
        "qr",
        "solve_triangular",
    ),
]
__all__.sort()
