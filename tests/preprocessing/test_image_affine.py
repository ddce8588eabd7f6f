"""Warped images are SciPy's; matrices are what their formula says."""

import numpy as np
import pytest

import cornu
from cornu.preprocessing import image, image_affine

ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is the truth here")
RULES = image_affine.RULES


def images(random, n: int, height: int, width: int, first: bool) -> np.ndarray:
    return random.rand(*((n, 2, height, width) if first else (n, height, width, 2))).astype("float32")


def by_scipy(given, matrices, fill_mode, cval, order, first) -> np.ndarray:
    planes = given if first else np.moveaxis(given, -1, 1)
    made = [
        [
            ndimage.affine_transform(plane, each[:2, :2], each[:2, 2], order=order, mode=fill_mode, cval=cval)
            for plane in one
        ]
        for one, each in zip(planes, matrices, strict=True)
    ]
    return np.asarray(made) if first else np.moveaxis(np.asarray(made), 1, -1)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("fill_mode", image_affine.EDGES)
def test_warp_is_scipys(fill_mode, order, first):
    random = np.random.RandomState(1)
    for trial in range(12 if order < 3 else 3):
        height, width = random.randint(1, 30, 2)
        given = images(random, 3, height, width, first)
        turned = trial % 3 > 0  # otherwise rows stay rows
        matrices = image_affine.matrices(
            RULES[1],
            theta=random.uniform(-180, 180, 3) * turned,
            tx=random.uniform(-40, 40, 3),
            ty=random.uniform(-40, 40, 3),
            shear=random.uniform(-1, 1, 3) * turned,
            zx=random.uniform(0.2, 3, 3),
            zy=random.uniform(0.2, 3, 3),
        )
        matrices = image_affine.centred(matrices, height, width, RULES[1 + trial % 3])
        made = image_affine.warp(given, matrices, fill_mode, 0.5, order, first)
        truth = by_scipy(given, matrices, fill_mode, 0.5, order, first)
        if order == 0:
            np.testing.assert_array_equal(made, truth)
        else:
            np.testing.assert_allclose(made, truth, atol=1e-6)


def test_pixels_half_way_are_rounded_as_scipys():
    given = np.arange(36.0).reshape(1, 6, 6, 1)
    for shift in (0.5, -0.5, 1.5, 2.0):
        matrix = image_affine.matrices(RULES[1], tx=shift, ty=shift)[None]
        made = image_affine.warp(given, matrix, "constant", -1.0)
        np.testing.assert_array_equal(made, by_scipy(given, matrix, "constant", -1.0, 0, False))


@pytest.mark.parametrize("order", [0, 1])
def test_whole_numbers_are_rounded_as_scipys(order):
    random = np.random.RandomState(2)
    given = random.randint(0, 256, (2, 9, 7, 3)).astype("uint8")
    matrices = image_affine.centred(
        image_affine.matrices(RULES[2], theta=np.array([20.0, -70.0])), 9, 7, RULES[2]
    )
    made = image_affine.warp(given, matrices, "reflect", order=order)
    truth = by_scipy(given, matrices, "reflect", 0, order, False)
    assert made.dtype == "uint8"
    assert np.abs(made.astype(int) - truth.astype(int)).max() <= (order == 1)  # float32 here, float64 there


def test_large_images_are_made_in_bands():
    random = np.random.RandomState(3)
    given = images(random, 2, 150, 130, False)
    matrices = image_affine.centred(
        image_affine.matrices(RULES[1], theta=np.array([12.0, 33.0])), 150, 130, RULES[1]
    )
    for order in (0, 1):
        made = image_affine.warp(given, matrices, order=order)
        np.testing.assert_allclose(made, by_scipy(given, matrices, "nearest", 0, order, False), atol=1e-6)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_flipped_results(order):
    random = np.random.RandomState(4)
    given = images(random, 3, 8, 9, False)
    matrices = image_affine.matrices(RULES[1], theta=np.array([5.0, 10.0, 15.0]))
    up, across = np.array([True, False, True]), np.array([False, True, True])
    made = image_affine.warp(given, matrices, order=order, flipped=(up, across))
    plain = image_affine.warp(given, matrices, order=order)
    plain[up] = plain[up][:, ::-1]
    plain[across] = plain[across][:, :, ::-1]
    np.testing.assert_array_equal(made, plain)


def test_unknown_fill_mode():
    with pytest.raises(
        ValueError, match="fill_mode is one of constant, nearest, reflect, wrap; got 'mirror'"
    ):
        image_affine.warp(np.zeros((1, 2, 2, 1)), np.eye(3)[None], "mirror")


@pytest.mark.parametrize("era, middle", [(1, 0.5), (2, 0.5), (3, -0.5)])
def test_matrices_act_about_the_middle(era, middle):
    cornu.set_era(era)
    made = image.transform_matrix_offset_center(np.diag([2.0, 3.0, 1.0]), 10, 4)
    centre = np.array([5 + middle, 2 + middle, 1])
    np.testing.assert_allclose(made @ centre, centre)


def test_the_matrix_is_a_product():
    angle, shear = np.pi / 6, 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    shift = np.array([[1, 0, 2], [0, 1, -3], [0, 0, 1.0]])
    slant = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    zoom = np.diag([1.5, 0.5, 1])
    made = image_affine.matrices(RULES[1], 30.0, 2.0, -3.0, shear, 1.5, 0.5)
    np.testing.assert_allclose(made, turn @ shift @ slant @ zoom)
    made = image_affine.matrices(RULES[2], 30.0, 2.0, -3.0, np.rad2deg(shear), 1.5, 0.5)
    np.testing.assert_allclose(made, turn @ shift @ slant @ zoom)
