"""Images in files and arrays: what Pillow itself and Keras 3 say."""

import io

import numpy as np
import pytest

import cornu
from cornu.preprocessing import image

pillow = pytest.importorskip("PIL.Image", reason="Pillow is the truth here")


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.RandomState(0).randint(0, 256, (12, 9, 3)).astype("uint8")


@pytest.fixture
def path(photo, tmp_path):
    pillow.fromarray(photo).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_there_and_back(channels, mode, layout):
    x = np.random.RandomState(1).randint(0, 256, (5, 7, channels)).astype("float32")
    given = x if layout == "channels_last" else x.transpose(2, 0, 1)
    made = image.array_to_img(given, data_format=layout, scale=False)
    assert (made.mode, made.size) == (mode, (7, 5))
    back = image.img_to_array(made, data_format=layout)
    assert back.dtype == "float32"
    np.testing.assert_array_equal(back, given)


@pytest.mark.parametrize("era, wanted", [(1, [0, 127, 255]), (2, [0, 127, 255]), (3, [0, 127, 255])])
def test_scaled_from_below_zero(era, wanted):
    cornu.set_era(era)
    made = image.array_to_img(np.array([-1.0, 0, 1]).reshape(1, 3, 1))
    np.testing.assert_array_equal(np.asarray(made)[0], wanted)


@pytest.mark.parametrize("era, wanted", [(1, [127, 255]), (2, [127, 255]), (3, [0, 255])])
def test_scaled_from_above_zero(era, wanted):
    cornu.set_era(era)
    made = image.array_to_img(np.array([1.0, 2]).reshape(1, 2, 1))
    np.testing.assert_array_equal(np.asarray(made)[0], wanted)


def test_load(path, photo):
    np.testing.assert_array_equal(np.asarray(image.load_img(path)), photo)
    np.testing.assert_array_equal(
        np.asarray(image.load_img(io.BytesIO(path.read_bytes()), color_mode="grayscale")),
        np.asarray(pillow.fromarray(photo).convert("L")),
    )
    for name, way in (("nearest", 0), ("lanczos", 1), ("bilinear", 2), ("bicubic", 3)):
        made = image.load_img(str(path), target_size=(6, 20), interpolation=name)
        np.testing.assert_array_equal(
            np.asarray(made), np.asarray(pillow.fromarray(photo).resize((20, 6), way))
        )


def test_load_in_old_ways(path, photo):
    cornu.set_era(1)
    assert image.load_img(path, True, (4, 4)).mode == "L"
    assert image.load_img(path, grayscale=False).mode == "RGB"
    assert image.img_to_array(image.load_img(path), "th").shape == (3, 12, 9)
    assert image.array_to_img(photo.transpose(2, 0, 1), dim_ordering="th").size == (9, 12)
    cornu.set_era(2)
    assert image.load_img(path, False, "rgba").mode == "RGBA"


@pytest.mark.oracle
@pytest.mark.parametrize("size", [(5, 5), (12, 3), (30, 10)])
def test_proportions_are_kept_as_keras_3_does(path, size):
    keras = pytest.importorskip("keras", reason="Keras 3 is the truth here")
    theirs = keras.utils.load_img(str(path), target_size=size, keep_aspect_ratio=True)
    ours = image.load_img(path, target_size=size, keep_aspect_ratio=True)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_save(photo, tmp_path):
    image.save_img(tmp_path / "a.png", photo, scale=False)
    np.testing.assert_array_equal(np.asarray(image.load_img(tmp_path / "a.png")), photo)
    with pytest.warns(UserWarning, match="JPEG knows no transparency"):
        image.save_img(tmp_path / "b", np.zeros((4, 4, 4)), file_format="jpg")
    assert image.load_img(tmp_path / "b").format is None


def test_list(tmp_path):
    for name in ("b.png", "a.JPG", "deep/c.bmp", "d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    names = lambda found: [each.removeprefix(f"{tmp_path}/") for each in found]  # noqa: E731
    assert names(image.list_pictures(tmp_path)) == ["a.JPG", "b.png", "deep/c.bmp"]
    assert names(image.list_pictures(str(tmp_path), ext="png|bmp")) == ["b.png", "deep/c.bmp"]


def test_what_is_no_image(path, photo):
    for x, message in ((photo[0], "one image has 3 axes"), (photo[:, :, :2], "1, 3 or 4 channels")):
        with pytest.raises(ValueError, match=message):
            image.array_to_img(x)
    with pytest.raises(ValueError, match="2 or 3 axes"):
        image.img_to_array(np.zeros(3))
    with pytest.raises(ValueError, match="data_format: expected one of"):
        image.img_to_array(photo, data_format="random")
    with pytest.raises(ValueError, match="color_mode is one of grayscale, rgb, rgba"):
        image.load_img(path, color_mode="cmyk")
    with pytest.raises(ValueError, match="interpolation is one of nearest"):
        image.load_img(path, target_size=(2, 2), interpolation="best")
