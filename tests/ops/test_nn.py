"""`keras.ops.nn` but for convolution and pooling: Keras's numbers, shapes of symbols, errors in words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ops_oracle import assert_like_keras, assert_same_signatures, assert_symbols_like_arrays, keras, name_of

from cornu.ops import nn

rng = np.random.default_rng(0)
A = (3 * rng.normal(size=(3, 4))).astype("float32")
HALF = A.astype("float16")
P = rng.dirichlet(np.ones(4), 3).astype("float32")
Q = rng.dirichlet(np.ones(4), 3).astype("float32")
LABELS = np.array([0, 3, 1])
IMAGES = rng.normal(size=(2, 4, 6, 8)).astype("float32")
V = rng.uniform(0.5, 1.5, size=4).astype("float32")
HEADS = rng.normal(size=(3, 2, 5, 4, 6)).astype("float32")
MASK = np.tril(np.ones((2, 1, 5, 5), bool))
COLUMNS = rng.normal(size=(2, 12, 6)).astype("float32")
LOGITS = (2 * rng.normal(size=(3, 7, 5))).astype("float32")
WORDS = np.array([[1, 2, 2], [3, 1, 0], [4, 4, 1]])
TARGET_LENGTHS, OUTPUT_LENGTHS = np.array([3, 2, 1]), np.array([7, 5, 6])

CASES = [
    *(
        (name, (A,), {})
        for name in "celu elu gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu "
        "log_sigmoid log_softmax relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
        "sparse_sigmoid sparsemax squareplus swish tanh_shrink".split()
    ),
    *((name, (A,), {"alpha": 0.5}) for name in ("celu", "elu")),
    *((name, (A,), {"axis": 0}) for name in ("log_softmax", "softmax", "sparsemax")),
    ("softmax", (A,), {"axis": (0, 1)}),
    ("gelu", (A,), {"approximate": False}),
    ("leaky_relu", (A,), {"negative_slope": 0.3}),
    ("squareplus", (A,), {"b": 2}),
    *((name, (A,), {"threshold": 1.0}) for name in ("hard_shrink", "soft_shrink")),
    ("threshold", (A, 0.5, -1.0), {}),
    ("one_hot", (LABELS, 5), {}),
    ("one_hot", (np.array([[0, -1], [7, 2]]), 4), {"axis": 1, "dtype": "int32"}),
    ("multi_hot", (np.array([[0, 2], [1, 1]]), 4), {}),
    ("multi_hot", (LABELS, 4), {}),
    ("categorical_crossentropy", (P, Q), {}),
    ("categorical_crossentropy", (P, 2 * Q), {"axis": 0}),
    ("categorical_crossentropy", (P, A), {"from_logits": True}),
    ("sparse_categorical_crossentropy", (LABELS, Q), {}),
    ("sparse_categorical_crossentropy", (LABELS[:, None], A), {"from_logits": True}),
    ("binary_crossentropy", (np.round(P), Q), {}),
    ("binary_crossentropy", (np.round(P), A), {"from_logits": True}),
    ("moments", (A, [0]), {}),
    ("moments", (HALF, [0, 1]), {}),
    ("moments", (IMAGES, [0, 1, 2]), {"keepdims": True}),
    ("batch_normalization", (A, V, V, -1), {}),
    ("batch_normalization", (IMAGES, V, V, 1), {"offset": V, "scale": V, "epsilon": 0.1}),
    ("layer_normalization", (A,), {}),
    ("layer_normalization", (A,), {"gamma": V, "beta": V}),
    ("layer_normalization", (HALF,), {"gamma": V, "rms_scaling": True}),
    ("layer_normalization", (IMAGES,), {"axis": [1, 3], "gamma": IMAGES[0, :, 0], "beta": IMAGES[1, :, 1]}),
    ("rms_normalization", (A,), {"scale": V}),
    ("rms_normalization", (HALF,), {"axis": 0}),
    ("normalize", (A,), {}),
    ("normalize", (A,), {"order": 3, "axis": 0}),
    ("normalize", (A * 0,), {"order": 1}),
    ("dot_product_attention", tuple(HEADS), {}),
    ("dot_product_attention", tuple(HEADS), {"is_causal": True, "scale": 0.3}),
    ("dot_product_attention", tuple(HEADS), {"mask": MASK, "bias": HEADS[0, :, :4, 0, :5][:, :, None, :1]}),
    ("psnr", (P, Q, 1.0), {}),
    ("polar", (P, A), {}),
    ("unfold", (IMAGES, 2), {}),
    ("unfold", (IMAGES, (2, 3)), {"dilation": 2, "padding": (1, 2), "stride": (1, 2)}),
    ("fold", (COLUMNS, (3, 4), 2), {}),
    ("fold", (rng.normal(size=(2, 12, 12)).astype("float32"), (4, 5), 2), {"stride": 2, "padding": (1, 2)}),
    ("depth_to_space", (IMAGES, 2), {}),
    ("depth_to_space", (IMAGES, 2), {"data_format": "channels_first"}),
    ("space_to_depth", (IMAGES, 2), {}),
    ("space_to_depth", (IMAGES, 2), {"data_format": "channels_first"}),
    ("ctc_loss", (WORDS, LOGITS, TARGET_LENGTHS, OUTPUT_LENGTHS), {}),
    ("ctc_loss", (WORDS % 4, LOGITS, TARGET_LENGTHS, OUTPUT_LENGTHS), {"mask_index": 4}),
    ("ctc_decode", (LOGITS, OUTPUT_LENGTHS), {}),
    ("ctc_decode", (LOGITS, OUTPUT_LENGTHS), {"mask_index": 4, "merge_repeated": False}),
]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_values_are_those_of_keras(case):
    rtol = 2e-3 if any(np.asarray(each).dtype == "float16" for each in case[1]) else 2e-5
    assert_like_keras(nn, case, rtol=rtol, atol=2e-5)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_symbols_have_the_shapes_of_arrays(case):
    assert_symbols_like_arrays(nn, case)


def test_all_names_of_keras_are_here_with_their_arguments():
    assert_same_signatures(nn, keras.ops.nn)


def test_beam_search_finds_the_paths_of_greatest_probability():
    options = {"strategy": "beam_search", "beam_width": 20, "top_paths": 3}
    paths, scores = nn.ctc_decode(LOGITS[:, :5], TARGET_LENGTHS + 2, **options)
    theirs, their_scores = keras.ops.ctc_decode(LOGITS[:, :5], TARGET_LENGTHS + 2, **options)
    np.testing.assert_array_equal(paths, theirs)
    np.testing.assert_allclose(scores, their_scores, rtol=1e-4)


def test_scores_of_a_full_beam_are_the_losses_of_its_paths():
    logits = LOGITS[:, :4, :3]
    paths, scores = nn.ctc_decode(logits, [4, 3, 4], "beam_search", beam_width=60, top_paths=4)
    for path, score in zip(paths, scores.T, strict=True):
        loss = nn.ctc_loss(jnp.maximum(path, 0), logits, (path >= 0).sum(1), [4, 3, 4])
        np.testing.assert_allclose(-score, loss, rtol=1e-5)


def test_ctc_loss_of_impossible_targets_has_finite_gradients():
    grad = jax.grad(lambda x: nn.ctc_loss([[1, 1, 1]], x, [3], [2]).sum())(LOGITS[:1])
    assert np.isfinite(grad).all()


def test_capped_attention_is_plain_attention_where_the_cap_is_far():
    options = {"is_causal": True, "mask": MASK, "bias": np.full((1, 1, 1, 5), 0.5, "float32")}
    capped = nn.dot_product_attention(*HEADS, attn_logits_soft_cap=1e7, **options)
    np.testing.assert_allclose(capped, nn.dot_product_attention(*HEADS, **options), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.categorical_crossentropy(P, Q[:, :2]), r"\(3, 4\).*\(3, 2\)"),
        (lambda: nn.sparse_categorical_crossentropy(P, Q), r"integer targets of shape \(3,\)"),
        (lambda: nn.dot_product_attention(A, A, A), "length, heads, size"),
        (lambda: nn.normalize(A, order=0), "order"),
        (lambda: nn.ctc_decode(LOGITS, OUTPUT_LENGTHS, "best"), "beam_search"),
        (lambda: nn.ctc_loss(LABELS, LOGITS, [3], [7]), "batch, labels"),
        (lambda: nn.one_hot(LABELS, 4, sparse=True), "dense"),
        (lambda: nn.unfold(A, 2), "height, width"),
        (lambda: nn.fold(COLUMNS, (9, 9), 2), "columns"),
    ],
)
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()
