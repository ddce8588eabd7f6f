"""Every function of `keras.ops.numpy` gives Keras's numbers; its symbols have the shapes of its arrays."""

import numpy as np
import pytest
from ops_oracle import assert_like_keras, assert_same_signatures, assert_symbols_like_arrays, keras, name_of

from cornu.ops import numpy as ops

rng = np.random.default_rng(0)
A = rng.normal(size=(3, 4)).astype("float32")
B = rng.normal(size=(3, 4)).astype("float32")
P = rng.uniform(0.1, 0.9, size=(3, 4)).astype("float32")
M = rng.normal(size=(2, 3, 3)).astype("float32")
V = rng.normal(size=5).astype("float32")
U = np.array([0.5, 1.0, 2.0, 4.0], "float32")
H = np.array([[1.5, -2.5, 0.5], [np.nan, np.inf, -np.inf]], "float32")
N = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]], "float32")
K = np.array([[3, 1, 2], [6, 5, 4]], "int32")
J = np.array([[1, 2, 2], [3, 4, 1]], "int32")
T = np.array([[True, False], [True, True]])
C = (A + 1j * B).astype("complex64")

CASES = [
    *(
        (name, (A,), {})
        for name in "abs absolute arcsinh arctan ceil conj conjugate copy corrcoef cos cosh deg2rad exp exp2 "
        "expm1 fabs fliplr flipud floor i0 isfinite isreal logical_not negative rad2deg ravel real reciprocal "
        "cbrt sign signbit sin sinc sinh square tan tanh trunc angle imag nonzero size".split()
    ),
    *((name, (P,), {}) for name in "arccos arcsin arctanh log log10 log1p log2 sqrt".split()),
    *((name, (K,), {}) for name in "exp sqrt mean std floor ceil trunc average median reciprocal".split()),
    *((name, (C,), {}) for name in "angle conj imag real isreal abs".split()),
    *((name, (H,), {}) for name in "isfinite isinf isnan isneginf isposinf nan_to_num signbit".split()),
    *((name, (K,), {}) for name in "bitwise_invert bitwise_not sum prod cumsum negative".split()),
    *((name, (T,), {}) for name in "all any sum mean logical_not count_nonzero cumsum".split()),
    ("arccosh", (P + 1,), {}),
    *(
        (name, (A, B), {})
        for name in "add arctan2 divide equal floor_divide fmax fmin fmod greater greater_equal heaviside hypot "
        "inner kron less less_equal logaddexp logaddexp2 logical_and logical_or logical_xor maximum minimum mod "
        "multiply nextafter not_equal subtract true_divide vdot allclose isclose divide_no_nan append "
        "isin outer".split()
    ),
    *(
        (name, (K, J), {})
        for name in "add divide floor_divide gcd lcm mod power subtract true_divide".split()
    ),
    *((name, (A, 2.0), {}) for name in "add multiply power maximum greater mod".split()),
    *((name, (K, 2), {}) for name in "add multiply power divide floor_divide mod".split()),
    *((name, (K, 2.5), {}) for name in "add multiply power divide".split()),
    *((f"bitwise_{name}", (K, J), {}) for name in "and or xor left_shift right_shift".split()),
    *((name, (K, J), {}) for name in "left_shift right_shift ldexp".split() if name != "ldexp"),
    ("ldexp", (A[:2, :3], J), {}),
    ("dot", (A, B.T), {}),
    ("matmul", (A, B.T), {}),
    ("matmul", (M, M), {}),
    *(
        (name, (A,), options)
        for name in "all amax amin any argmax argmin max mean median min prod ptp std sum var".split()
        for options in ({}, {"axis": 1}, {"axis": 0, "keepdims": True})
    ),
    *((name, (A,), {"axis": [0, 1]}) for name in "sum mean max var".split()),
    *((name, (A,), {"initial": 0.0, "axis": 1}) for name in ("max", "min")),
    *(
        (f"nan{name}", (N,), options)
        for name in "argmax argmin max mean median min prod std sum var".split()
        for options in ({}, {"axis": 1}, {"axis": 1, "keepdims": True})
        if "arg" not in name or options
    ),
    *((f"nan{name}", (N,), {"axis": 1}) for name in ("cumsum", "cumprod")),
    *(
        (name, (A,), {"axis": 1})
        for name in "cumsum cumprod sort argsort flip count_nonzero expand_dims".split()
    ),
    *((name, (A, 0.3), {"axis": 1}) for name in ("quantile", "nanquantile")),
    *((name, (A, [30.0, 60.0]), {"axis": 1}) for name in ("percentile", "nanpercentile")),
    ("quantile", (A, 0.3), {"method": "nearest", "keepdims": True}),
    *((name, (M[0],), {"k": 1}) for name in "diag diagflat tril triu".split()),
    *((name, (M,), {"axis1": 1, "axis2": 2}) for name in ("diagonal", "trace")),
    ("squeeze", (A[None],), {}),
    ("squeeze", (A[None],), {"axis": 0}),
    ("expand_dims", (A, (0, -1)), {}),
    ("moveaxis", (M, 0, -1), {}),
    ("swapaxes", (M, 0, 2), {}),
    ("transpose", (M,), {}),
    ("transpose", (M, [1, 0, 2]), {}),
    ("broadcast_to", (V, (2, 5)), {}),
    ("roll", (A, 1), {"axis": 1}),
    ("repeat", (A, 2), {"axis": 1}),
    ("tile", (A, 2), {}),
    ("tile", (A, [2, 1, 3]), {}),
    ("round", (A,), {"decimals": 1}),
    ("take", (A, K[0]), {"axis": 1}),
    ("take", (A, [1, -1, 0]), {"axis": 1}),
    ("take_along_axis", (A, np.argsort(A, 1)), {"axis": 1}),
    ("dsplit", (np.stack([A, A], -1), 2), {}),
    ("hsplit", (A, 2), {}),
    ("vsplit", (A, 3), {}),
    ("split", (A, 2), {"axis": 1}),
    ("split", (A, [1, 3]), {"axis": 1}),
    ("array_split", (A, 3), {"axis": 1}),
    ("vander", (V,), {"N": 3}),
    ("digitize", (V, [-1.0, 0.0, 1.0]), {}),
    ("append", (A, B), {"axis": 1}),
    ("tensordot", (A, B.T), {"axes": 1}),
    ("tensordot", (A, B), {"axes": [[0], [0]]}),
    ("correlate", (V, V[:2]), {}),
    ("correlate", (V, V[:2]), {"mode": "same"}),
    ("cross", (M, M[::-1]), {}),
    ("diff", (A,), {"n": 2}),
    ("rot90", (A,), {}),
    ("searchsorted", (np.sort(V), A[0]), {"side": "right"}),
    ("unravel_index", (K, (3, 4)), {}),
    *((name, ([A, B],), {}) for name in "dstack hstack vstack concatenate stack".split()),
    ("concatenate", ([A, B],), {"axis": -1}),
    ("stack", ([A, B],), {"axis": 1}),
    ("reshape", (A, (2, -1)), {}),
    ("reshape", (A, -1), {}),
    ("clip", (A, -0.5, 0.5), {}),
    ("clip", (K, 2, 4), {}),
    ("where", (A > 0, A, B), {}),
    ("where", (A > 0, A, 0.0), {}),
    ("select", ([A > 1, A < 0], [A, B]), {"default": 7.0}),
    ("average", (A,), {"axis": 1, "weights": P}),
    ("einsum", ("ij,kj->ik", A, B), {}),
    ("pad", (A, 1), {}),
    ("pad", (A, ((1, 2), (0, 1))), {"constant_values": 5.0}),
    ("pad", (A, ((1, 2), (0, 1))), {"mode": "reflect"}),
    ("trapezoid", (A,), {"dx": 0.5}),
    ("trapezoid", (A,), {"x": U}),
    ("slogdet", (M,), {}),
    ("view", (A, "int32"), {}),
    ("full_like", (A, 2), {}),
    ("full_like", (A, 2), {"dtype": "int32"}),
    *((name, (K,), {"dtype": "float32"}) for name in ("zeros_like", "ones_like")),
    *((name, (K,), {}) for name in ("zeros_like", "ones_like")),
    ("meshgrid", (V, U), {}),
    ("meshgrid", (V, U), {"indexing": "ij"}),
    ("get_item", (A, (slice(None), [0, 2])), {}),
    ("argpartition", (V, 2), {}),
    ("histogram", (V,), {"bins": 4}),
    ("histogram", (V,), {"bins": 4, "range": (-1.0, 1.0)}),
    ("bincount", (np.array([1, 2, 2, 5]),), {}),
    ("bincount", (J,), {"weights": A[:2, :3], "minlength": 7}),
    ("unique", (J,), {}),
    ("unique", (J,), {"return_inverse": True, "return_counts": True}),
    ("unique", (J,), {"size": 5, "fill_value": 9}),
]
MADE = [
    ("arange", (5,), {}),
    ("arange", (1, 2, 0.25), {}),
    ("arange", (1, 7, 2), {"dtype": "float32"}),
    ("array", ([[1, 2], [3, 4]],), {}),
    ("array", ([0.5, 1.5],), {"dtype": "int32"}),
    ("eye", (3,), {}),
    ("eye", (3, 4), {"k": 1, "dtype": "int32"}),
    ("identity", (3,), {}),
    ("tri", (3, 4), {"k": -1}),
    ("zeros", ((2, 3),), {}),
    ("ones", ((2, 3),), {"dtype": "int32"}),
    ("full", ((2, 3), 7), {}),
    ("full", ((2, 3), 7), {"dtype": "int32"}),
    ("linspace", (0, 1), {"num": 5}),
    ("linspace", (0, 1), {"num": 5, "endpoint": False, "retstep": True}),
    ("linspace", (V, V + 1), {"num": 5, "axis": 1}),
    ("logspace", (0, 2), {"num": 5}),
    ("geomspace", (1, 16), {"num": 5}),
    *((name, (7,), {}) for name in "bartlett blackman hamming hanning".split()),
    ("kaiser", (7, 2.5), {}),
    ("ndim", (A,), {}),
    ("shape", (A,), {}),
]


DATA_DECIDES = ("nonzero", "bincount", "unique")  # the shape of what they return depends on the values


@pytest.mark.parametrize("case", CASES + MADE, ids=name_of)
def test_values_are_those_of_keras(case):
    assert_like_keras(ops, case)


@pytest.mark.parametrize("case", [case for case in CASES if case[0] not in DATA_DECIDES], ids=name_of)
def test_symbols_have_the_shapes_of_arrays(case):
    assert_symbols_like_arrays(ops, case)


def test_all_names_of_keras_are_here_with_their_arguments():
    assert_same_signatures(ops, keras.ops.numpy)
