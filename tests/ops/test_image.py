"""`keras.ops.image`: Keras's numbers, shapes of symbols, laws, errors in words."""

import jax
import numpy as np
import pytest
from ops_oracle import assert_like_keras, assert_same_signatures, assert_symbols_like_arrays, keras, name_of

from cornu.ops import image

rng = np.random.default_rng(0)
IMAGES = rng.uniform(size=(2, 6, 8, 3)).astype("float32")
FIRST = IMAGES.transpose(0, 3, 1, 2)
BYTES = (255 * IMAGES).astype("uint8")
VOLUMES = rng.uniform(size=(2, 4, 5, 6, 2)).astype("float32")
TRANSFORMS = np.array([[1, 0.1, -0.5, 0.2, 0.9, 0.3, 0, 0], [0.8, 0, 1, 0, 1.2, -1, 0, 0]], "float32")
PLACES = 12 * rng.uniform(size=(2, 4, 5)).astype("float32") - 3
SCALE = np.array([1.5, 0.8], "float32")
POINTS = np.array([[[0, 0], [7, 0], [0, 5], [7, 5]]] * 2, "float32")
MOVED = POINTS + rng.normal(size=POINTS.shape).astype("float32") / 2
FIRST_FORMAT, LAST_FORMAT = {"data_format": "channels_first"}, {"data_format": "channels_last"}

CASES = [
    *(
        ("resize", (IMAGES[0], (12, 3)), {"interpolation": method, "antialias": method != "bicubic"})
        for method in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
    ),
    ("resize", (BYTES, (4, 11)), {}),
    ("resize", (FIRST, (4, 11)), FIRST_FORMAT),
    *(
        ("resize", (IMAGES, size), {option: True})
        for size in ((4, 4), (4, 11), (9, 5))
        for option in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")
    ),
    ("resize", (IMAGES, (9, 5)), {"pad_to_aspect_ratio": True, "fill_value": 0.5}),
    ("pad_images", (IMAGES, 1, 2), {"bottom_padding": 0, "right_padding": 1}),
    ("pad_images", (FIRST, 1, 2), {"target_height": 9, "target_width": 10, **FIRST_FORMAT}),
    (
        "pad_images",
        (IMAGES[0],),
        {"bottom_padding": 2, "right_padding": 1, "target_height": 9, "target_width": 9},
    ),
    ("crop_images", (IMAGES, 1, 2), {"bottom_cropping": 0, "right_cropping": 1}),
    ("crop_images", (FIRST, 1, 2), {"target_height": 3, "target_width": 4, **FIRST_FORMAT}),
    (
        "crop_images",
        (IMAGES[0],),
        {"bottom_cropping": 2, "right_cropping": 1, "target_height": 3, "target_width": 5},
    ),
    ("extract_patches", (IMAGES, 2), {}),
    ("extract_patches", (IMAGES[0], (2, 3)), {"strides": 1, "dilation_rate": 2}),
    ("extract_patches", (FIRST, (3, 2)), {"strides": (2, 3), "padding": "same", **FIRST_FORMAT}),
    ("extract_patches_3d", (VOLUMES, 2), {}),
    ("extract_patches_3d", (VOLUMES, (2, 1, 3)), {"padding": "same", "strides": (1, 2, 2)}),
    ("rgb_to_grayscale", (IMAGES,), {}),
    ("rgb_to_grayscale", (BYTES[0],), {}),
    ("rgb_to_grayscale", (FIRST,), FIRST_FORMAT),
    *((name, (IMAGES,), {}) for name in ("rgb_to_hsv", "hsv_to_rgb")),
    *((name, (FIRST[0],), FIRST_FORMAT) for name in ("rgb_to_hsv", "hsv_to_rgb")),
    ("rgb_to_hsv", (np.round(IMAGES),), {}),
    ("gaussian_blur", (IMAGES,), LAST_FORMAT),
    ("gaussian_blur", (FIRST,), {"kernel_size": (3, 5), "sigma": (0.5, 2.0), **FIRST_FORMAT}),
    ("gaussian_blur", (IMAGES[0],), {"kernel_size": (5, 3), "sigma": (2.0, 1.0), **LAST_FORMAT}),
    ("sobel_edges", (IMAGES,), {}),
    ("sobel_edges", (FIRST,), FIRST_FORMAT),
    ("ssim", (IMAGES, IMAGES[::-1]), {"filter_size": 3}),
    ("ssim", (IMAGES[0], IMAGES[1]), {"filter_size": 5, "max_val": 2.0}),
    ("map_coordinates", (IMAGES[0], 8 * rng.uniform(size=(3, 5)).astype("float32") - 1, 1), {}),
    *(
        ("map_coordinates", (IMAGES[0, :, :, 0], PLACES, order), {"fill_mode": mode})
        for order, mode in ((0, "constant"), (1, "nearest"), (0, "wrap"), (1, "mirror"), (1, "reflect"))
    ),
    *(
        (
            "affine_transform",
            (IMAGES, TRANSFORMS),
            {"interpolation": method, "fill_mode": mode, "fill_value": 0.5},
        )
        for method, mode in (("nearest", "constant"), ("bilinear", "constant"), ("bilinear", "reflect"))
    ),
    ("affine_transform", (FIRST[0], TRANSFORMS[0]), FIRST_FORMAT),
    ("perspective_transform", (IMAGES, POINTS, MOVED), {}),
    ("perspective_transform", (FIRST[0], POINTS[0], MOVED[0]), {"interpolation": "nearest", **FIRST_FORMAT}),
    ("scale_and_translate", (IMAGES, (2, 9, 9, 3), SCALE, SCALE, (1, 2), "linear"), {}),
]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_values_are_those_of_keras(case):
    assert_like_keras(image, case, rtol=1e-4, atol=1e-5)
    assert_symbols_like_arrays(image, case)


def test_all_names_of_keras_are_here_with_their_arguments():
    assert_same_signatures(image, keras.ops.image)


def test_affine_transforms_of_eight_numbers_are_projective():
    transform = np.array([1.1, 0.1, 0.3, -0.2, 0.9, 0.5, 0.02, -0.01], "float32")
    y, x = 3, 4
    k = transform[6] * x + transform[7] * y + 1
    place = (transform[3:6] @ [x, y, 1] / k, transform[:3] @ [x, y, 1] / k)
    expected = image.map_coordinates(IMAGES[0, :, :, 1], np.array(place)[:, None], 1)[0]
    np.testing.assert_allclose(image.affine_transform(IMAGES, transform)[0, y, x, 1], expected, rtol=1e-5)


def test_elastic_transforms_are_smooth_and_follow_the_seed():
    images = np.ones((2, 20, 20, 1), "float32") * np.linspace(0, 1, 20, dtype="float32")[:, None]
    moved = image.elastic_transform(images, alpha=5.0, sigma=3.0, seed=7)
    assert moved.shape == images.shape and moved.dtype == images.dtype
    assert 0.01 < np.abs(moved - images).max() < 0.5
    np.testing.assert_array_equal(moved, image.elastic_transform(images, alpha=5.0, sigma=3.0, seed=7))
    assert np.abs(moved - image.elastic_transform(images, alpha=5.0, sigma=3.0, seed=8)).max() > 0.01
    np.testing.assert_allclose(image.elastic_transform(images, alpha=0.0), images, atol=1e-6)


def test_resize_has_gradients_and_needs_no_batch_size():
    grad = jax.grad(lambda x: image.resize(x, (3, 4)).sum())(IMAGES)
    np.testing.assert_allclose(grad.sum(), 2 * 3 * 4 * 3, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: image.resize(IMAGES[0, 0], (2, 2)), r"3 axes, or 4.*\(8, 3\)"),
        (lambda: image.resize(IMAGES, (2, 2), "cubic"), "bicubic.*'cubic'"),
        (lambda: image.resize(IMAGES, (2, 2, 2)), "height, width"),
        (lambda: image.resize(IMAGES, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "one of"),
        (lambda: image.pad_images(IMAGES, 1, 1), "exactly two"),
        (lambda: image.crop_images(IMAGES, 1, 1, target_height=9, target_width=3), "negative"),
        (lambda: image.rgb_to_hsv(BYTES), "floats"),
        (lambda: image.rgb_to_hsv(IMAGES[..., :2]), "3 channels; got 2"),
        (lambda: image.affine_transform(IMAGES, TRANSFORMS[:, :6]), r"\(8,\)"),
        (lambda: image.perspective_transform(IMAGES, POINTS, MOVED[0]), "points"),
        (lambda: image.map_coordinates(IMAGES, POINTS, 1), "coordinates"),
        (lambda: image.ssim(IMAGES, IMAGES[:1]), "differ"),
    ],
)
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()
