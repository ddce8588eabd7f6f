"""ImageDataGenerator gives the numbers of Keras 1.2.2 (by its formulas and SciPy) and of Keras 3 (asked itself)."""

import os
import threading
import warnings

import numpy as np
import pytest

import cornu
from cornu.preprocessing import image

ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is the truth here")

RANGES = {
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.3,
    "zoom_range": 0.4,
    "horizontal_flip": True,
    "vertical_flip": True,
    "channel_shift_range": 30.0,
    "rescale": 1 / 255,
}
CASES = {
    "all": RANGES | {"shear_range": 0.5},
    "wrap": {"rotation_range": 90, "fill_mode": "wrap"},
    "constant": {"zoom_range": [0.5, 0.7], "fill_mode": "constant", "cval": 7.0},
    "reflect": {"shear_range": 0.9, "fill_mode": "reflect"},
    "flips": {"horizontal_flip": True},
    "samplewise": {"samplewise_center": True, "samplewise_std_normalization": True, "rotation_range": 10},
    "featurewise": {"featurewise_center": True, "featurewise_std_normalization": True},
    "function": {"preprocessing_function": lambda x: x * 2 - 1, "rescale": 0.5},
    "nothing": {},
}


@pytest.fixture
def photos() -> np.ndarray:
    return np.random.RandomState(0).uniform(0, 255, (21, 14, 11, 3)).astype("float32")


# ---- Keras 1.2.2 by its formulas -------------------------------------------------------------------


def turned_by_formula(x, given, first: bool):
    """One image as 1.2.2 changed it, with numbers from `numpy.random`."""
    channel, row, column = (0, 1, 2) if first else (2, 0, 1)
    draw, height, width = np.random.uniform, x.shape[row], x.shape[column]

    def ranged(name):
        return draw(-given[name], given[name]) if given.get(name) else 0

    theta = np.pi / 180 * ranged("rotation_range")
    tx, ty = ranged("height_shift_range") * height, ranged("width_shift_range") * width
    shear, zooms = ranged("shear_range"), given.get("zoom_range", 0.0)
    low, high = (1 - zooms, 1 + zooms) if np.isscalar(zooms) else zooms
    zx, zy = (1, 1) if low == high == 1 else draw(low, high, 2)
    matrix = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    matrix = matrix.dot([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    matrix = matrix.dot([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    matrix = matrix.dot([[zx, 0, 0], [0, zy, 0], [0, 0, 1]])
    middle = np.array([[1, 0, height / 2 + 0.5], [0, 1, width / 2 + 0.5], [0, 0, 1]])
    matrix = middle.dot(matrix).dot(np.linalg.inv(middle))
    how = {"order": 0, "mode": given.get("fill_mode", "nearest"), "cval": given.get("cval", 0.0)}
    planes = [
        ndimage.affine_transform(plane, matrix[:2, :2], matrix[:2, 2], **how)
        for plane in np.moveaxis(x, channel, 0)
    ]
    x = np.stack(planes, channel)
    if given.get("channel_shift_range"):
        low, high = x.min(), x.max()
        planes = [
            np.clip(plane + ranged("channel_shift_range"), low, high) for plane in np.moveaxis(x, channel, 0)
        ]
        x = np.stack(planes, channel)
    for name, axis in (("horizontal_flip", column), ("vertical_flip", row)):
        if given.get(name) and np.random.random() < 0.5:
            x = np.flip(x, axis)
    return x


def standard_by_formula(x, given, mean, deviation, first: bool):
    x = given.get("preprocessing_function", lambda x: x)(x)
    x = x * np.float32(given.get("rescale") or 1)
    channel = 0 if first else 2
    if given.get("samplewise_center"):
        x = x - x.mean(channel, keepdims=True)
    if given.get("samplewise_std_normalization"):
        x = x / (x.std(channel, keepdims=True) + 1e-7)
    if given.get("featurewise_center"):
        x = x - mean
    if given.get("featurewise_std_normalization"):
        x = x / (deviation + 1e-7)
    return x


def batches_by_formula(x, given, size, shuffle, seed, count, first, mean, deviation):
    order, index = np.arange(len(x)), 0
    for number in range(count):
        if seed is not None:
            np.random.seed(seed + number)
        if index == 0 and shuffle:
            order = np.random.permutation(len(x))
        start = index * size % len(x)
        index = index + 1 if len(x) >= start + size else 0
        rows = order[start : start + size]
        made = [
            standard_by_formula(turned_by_formula(x[row], given, first), given, mean, deviation, first)
            for row in rows
        ]
        yield np.stack(made), rows


@pytest.mark.parametrize("ordering", ["tf", "th"])
@pytest.mark.parametrize("size, seed", [(8, None), (7, 3), (30, 5)])
@pytest.mark.parametrize("case", CASES)
def test_era_1_is_keras_1(photos, case, size, seed, ordering):
    cornu.set_era(1)
    given, first = CASES[case], ordering == "th"
    x = photos.transpose(0, 3, 1, 2).copy() if first else photos
    axes = (0, 2, 3) if first else (0, 1, 2)
    mean = x.mean(axes, keepdims=True)[0]
    deviation = (x - mean).std(axes, keepdims=True)[0]
    generator = image.ImageDataGenerator(**given, dim_ordering=ordering)
    generator.fit(x)
    np.random.seed(2)
    flow = generator.flow(x, np.arange(len(x)), size, True, seed)
    made = [next(flow) for _ in range(6)]
    np.random.seed(2)
    truth = batches_by_formula(x, given, size, True, seed, 6, first, mean, deviation)
    for (images, rows), (true_images, true_rows) in zip(made, truth, strict=True):
        np.testing.assert_array_equal(rows, true_rows)
        np.testing.assert_allclose(images, true_images, atol=2e-5)


def test_zca_whitens(photos):
    cornu.set_era(1)
    generator = image.ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    x = np.random.RandomState(1).normal(size=(400, 3, 2, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 2]])
    generator.fit(x)
    made = next(generator.flow(x, batch_size=400, shuffle=False)).reshape(400, -1)
    np.testing.assert_allclose(np.cov(made.T, bias=True), np.eye(18), atol=0.1)
    np.testing.assert_array_equal(generator.principal_components, generator.zca_whitening_matrix)


def test_fit_on_changed_images(photos):
    cornu.set_era(1)
    generator = image.ImageDataGenerator(featurewise_center=True, rotation_range=30, zoom_range=0.2)
    generator.fit(photos, augment=True, rounds=2, seed=4)
    np.random.seed(4)
    given = {"rotation_range": 30, "zoom_range": 0.2}
    changed = [turned_by_formula(each, given, False) for _ in range(2) for each in photos]
    np.testing.assert_allclose(generator.mean[0, 0], np.mean(changed, (0, 1, 2)), rtol=1e-5)


# ---- Keras 3 itself ----------------------------------------------------------------------------------

ASKED = {
    "all": RANGES | {"shear_range": 20.0},
    "samplewise": {"samplewise_std_normalization": True},
    "featurewise": {"featurewise_std_normalization": True, "rotation_range": 50, "fill_mode": "wrap"},
    "whitening": {"zca_whitening": True},
    "pixels": {"width_shift_range": [1, 2, 3], "height_shift_range": 4},
    "nearest": {"interpolation_order": 0, "shear_range": 30.0, "fill_mode": "reflect"},
    "cubic": {"interpolation_order": 3, "rotation_range": 30.0, "horizontal_flip": True},
    "brightness": {"brightness_range": (0.5, 1.5)},
    "constant": {"zoom_range": [0.5, 0.7], "fill_mode": "constant", "cval": 7.0},
}


@pytest.fixture
def official(monkeypatch):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras", reason="Keras 3 is the truth here")
    from keras.src.legacy.preprocessing import image as module

    monkeypatch.setattr(ndimage, "interpolation", ndimage, raising=False)  # it names a place SciPy gave up
    return module


@pytest.mark.oracle
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("case", ASKED)
def test_era_3_is_keras_3(official, photos, case, seed, layout):
    if layout == "channels_first" and case == "brightness":
        pytest.skip("Keras makes images as if channels came last")
    x = photos if layout == "channels_last" else photos.transpose(0, 3, 1, 2).copy()
    found = []
    for module in (official, image):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            generator = module.ImageDataGenerator(**ASKED[case], data_format=layout)
            np.random.seed(1)
            generator.fit(x, augment=True, rounds=2, seed=5)
        np.random.seed(2)
        flow = generator.flow(x, np.arange(len(x)), 8, seed=seed, sample_weight=np.arange(len(x)) / 7)
        found.append([next(flow) for _ in range(6)])
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4, atol=1e-3)
        np.testing.assert_array_equal(ours[1], theirs[1])
        np.testing.assert_array_equal(ours[2], theirs[2])


@pytest.mark.oracle
@pytest.mark.parametrize("name, arguments", [
    ("random_rotation", (45,)),
    ("random_shift", (0.3, 0.2)),
    ("random_shear", (20,)),
    ("random_zoom", ((0.5, 1.5),)),
])  # fmt: skip
def test_random_functions_are_keras_3s(official, photos, name, arguments):
    found = []
    for module in (official, image):
        np.random.seed(1)
        found.append(getattr(module, name)(photos[0], *arguments, 0, 1, 2, "reflect"))
    np.testing.assert_allclose(found[1], found[0], atol=1e-4)


@pytest.mark.oracle
def test_channels_and_brightness_are_keras_3s(official, photos):
    for name, arguments in (("random_channel_shift", (20, 2)), ("random_brightness", ((0.3, 2),))):
        found = []
        for module in (official, image):
            np.random.seed(1)
            found.append(getattr(module, name)(photos[0], *arguments))
        np.testing.assert_allclose(found[1], found[0], atol=1e-4)


# ---- iterators ---------------------------------------------------------------------------------------


def noisy(seed=1, **more):
    return image.ImageDataGenerator(**(RANGES | {"shear_range": 0.2}), **more)


@pytest.mark.parametrize("era", [1, 2, 3])
def test_threads_give_the_same_images(photos, era):
    cornu.set_era(era)
    alone = noisy().flow(photos, np.arange(21), batch_size=4, seed=9)
    together = noisy().flow(photos, np.arange(21), batch_size=4, seed=9)
    wanted, found, lock = [next(alone) for _ in range(18)], [], threading.Lock()

    def take():
        for _ in range(6):
            batch = next(together)
            with lock:
                found.append(batch)

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    key = lambda batch: (batch[1].tolist(), batch[0].tobytes())  # noqa: E731
    assert sorted(map(key, found)) == sorted(map(key, wanted))


def test_by_number_is_one_after_the_other(photos):
    taken, asked = (noisy().flow(photos, np.arange(21), batch_size=4, seed=9) for _ in range(2))
    assert len(asked) == 6
    for _ in range(2):
        in_turn = [next(taken) for _ in range(6)]
        for number in (3, 0, 5, 1, 2, 4, 3):
            for part, wanted in zip(asked[number], in_turn[number], strict=True):
                np.testing.assert_array_equal(part, wanted)
        asked.on_epoch_end()
    with pytest.raises(ValueError, match="has the batches 0 to 5; there is no 6"):
        asked[6]


def test_plans_that_are_put_back_come_again(photos):
    taken, planned = (noisy().flow(photos, batch_size=4, seed=9) for _ in range(2))
    plans = [planned.plan() for _ in range(4)]
    planned.put_back(plans[1:])
    np.testing.assert_array_equal(planned.make(plans[0]), next(taken))
    for _ in range(4):
        np.testing.assert_array_equal(next(planned), next(taken))


@pytest.mark.parametrize("era", [1, 2, 3])
def test_fit_sees_the_batches_in_turn(photos, era, monkeypatch):
    cornu.set_era(era)
    flow, twin = (noisy().flow(photos, np.arange(21.0), batch_size=5, seed=2) for _ in range(2))
    model = cornu.Sequential([
        cornu.Input((14, 11, 3)),
        cornu.layers.Flatten(),
        cornu.layers.Dense(1, kernel_initializer="zeros"),
    ])  # fmt: skip
    model.compile("sgd", "mse")
    model.fit(flow, epochs=1, steps_per_epoch=3, verbose=0)
    model.fit(flow, epochs=2, steps_per_epoch=2, verbose=0)
    if era == 1:  # what was made ahead and not used is used the next time
        np.testing.assert_array_equal(next(flow)[0], [next(twin) for _ in range(8)][-1][0])
    planned, plan = [], flow.plan
    monkeypatch.setattr(flow, "plan", lambda: planned.append(plan()) or planned[-1])
    if era > 1:  # each call of `fit` begins with the first batch
        model.fit(flow, epochs=2, verbose=0)
        for epoch in (planned[:5], planned[5:10]):
            assert sorted(np.concatenate([each.rows for each in epoch])) == list(range(21))


def test_old_and_new_ways_to_train(photos):
    cornu.set_era(1)
    layers = cornu.layers
    model = cornu.Sequential()
    model.add(layers.Conv2D(4, 3, 3, input_shape=(14, 11, 3), activation="relu"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(2, activation="softmax"))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    y = cornu.utils.to_categorical(np.arange(21) % 2, 2)
    flow = noisy().flow(photos, y, batch_size=7)
    history = model.fit_generator(flow, samples_per_epoch=len(photos), nb_epoch=2, verbose=0)
    assert len(history.history["acc"]) == 2
    assert len(model.evaluate_generator(noisy().flow(photos, y, batch_size=7), val_samples=21)) == 2


def test_old_subclasses_have_their_own_next(photos):
    cornu.set_era(1)

    class Pairs(image.Iterator):
        def __init__(self, x, generator):
            self.x, self.generator = x, generator
            super().__init__(len(x), 4, True, 1)

        def next(self):
            with self.lock:
                rows, first, size = next(self.index_generator)
            assert len(rows) == size
            made = np.stack([self.generator.random_transform(self.x[row]) for row in rows])
            return made, self.x[rows]

    found = [next(each) for each in (Pairs(photos, noisy()), Pairs(photos, noisy()))]
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][0].shape == found[0][1].shape == (4, 14, 11, 3)


def test_generators_of_users(photos):
    class Negative(image.ImageDataGenerator):
        def random_transform(self, x, seed=None):
            return -super().random_transform(x)

        def standardize(self, x):
            return super().standardize(x) + np.random.uniform(0, 1e-6)

    flow = Negative(rotation_range=0, rescale=2.0).flow(photos, shuffle=False, batch_size=21, seed=1)
    np.testing.assert_allclose(next(flow), -2 * photos, atol=1e-4)
    assert not flow.plans


def test_pictures_are_saved(photos, tmp_path):
    flow = noisy().flow(
        photos, batch_size=4, save_to_dir=tmp_path, save_prefix="x", save_format="png", seed=1
    )
    next(flow)
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == 4
    assert all(name.startswith("x_") and name.endswith(".png") for name in names)


def test_arrays_beside_images(photos):
    beside = [np.arange(21), np.arange(42).reshape(21, 2)]
    generator = image.ImageDataGenerator(validation_split=0.25)
    (x, one, two), y = next(
        generator.flow((photos, beside), np.zeros(21), batch_size=32, shuffle=False, subset="validation")
    )
    np.testing.assert_array_equal(x, photos[:5])
    np.testing.assert_array_equal(one, beside[0][:5])
    np.testing.assert_array_equal(two, beside[1][:5])
    assert len(y) == 5
    assert generator.flow(photos, subset="training").n == 16


def test_standardize_works_in_place(photos):
    x = photos.copy()
    image.ImageDataGenerator(rescale=0.5).standardize(x)
    np.testing.assert_array_equal(x, photos * np.float32(0.5))
    made = image.ImageDataGenerator(rescale=0.5).standardize(np.full((2, 2, 1), 3))
    assert made.dtype == "float32" and made[0, 0, 0] == 1.5


def test_old_names():
    cornu.set_era(1)
    generator = image.ImageDataGenerator(dim_ordering="th")
    assert (generator.dim_ordering, generator.channel_axis) == ("th", 1)
    assert next(generator.flow(X=np.zeros((2, 1, 4, 4)))).shape == (2, 1, 4, 4)
    with pytest.raises(AttributeError, match="ImageDataGenerator has no attribute 'mode'"):
        generator.mode  # noqa: B018


# ---- folders -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(photos, tmp_path):
    for number, photo in enumerate(photos[:9]):
        place = tmp_path / ["cats", "dogs", "dogs/young"][number % 3]
        place.mkdir(parents=True, exist_ok=True)
        image.array_to_img(photo, scale=False).save(place / f"{number}.png")
    (tmp_path / "cats" / "notes.txt").write_text("no image")
    return tmp_path


@pytest.mark.parametrize("era", [1, 2, 3])
def test_directory(folder, photos, era, capsys):
    cornu.set_era(era)
    flow = image.ImageDataGenerator().flow_from_directory(
        folder, target_size=(14, 11), batch_size=4, shuffle=False
    )
    assert "Found 9 images belonging to 2 classes." in capsys.readouterr().out
    assert flow.class_indices == {"cats": 0, "dogs": 1}
    assert flow.samples == flow.nb_sample == len(flow.filenames) == 9
    x, y = next(flow)
    np.testing.assert_array_equal(x[0], photos[0].astype("uint8"))
    np.testing.assert_array_equal(y, [[1, 0], [1, 0], [1, 0], [0, 1]])
    assert flow.filenames[3:] == [f"dogs/{n}.png" for n in (1, 4, 7)] + [
        f"dogs/young/{n}.png" for n in (2, 5, 8)
    ]


@pytest.mark.parametrize("class_mode, wanted", [
    ("binary", [1.0, 1.0, 0.0]), ("sparse", [1, 1, 0]), ("categorical", [[1, 0], [1, 0], [0, 1]]),
])  # fmt: skip
def test_class_modes(folder, class_mode, wanted):
    flow = image.ImageDataGenerator().flow_from_directory(
        str(folder), (8, 8), "grayscale", ["dogs", "cats"], class_mode, batch_size=20, shuffle=False
    )
    x, y = next(flow)
    assert x.shape == (9, 8, 8, 1)
    np.testing.assert_array_equal(
        y[[0, 5, 6]], np.array(wanted) if class_mode == "categorical" else 1 - np.array(wanted)
    )


def test_directory_without_targets_and_with_images_as_targets(folder):
    generator = image.ImageDataGenerator(validation_split=0.5)
    first, last = (
        generator.flow_from_directory(folder, (8, 8), class_mode=None, subset=subset)
        for subset in ("validation", "training")
    )
    assert (first.n, last.n) == (4, 5)
    assert not {*first.filenames} & {*last.filenames}
    assert next(first).shape == (4, 8, 8, 3)
    x, y = next(generator.flow_from_directory(folder, (8, 8), "rgba", class_mode="input"))
    np.testing.assert_array_equal(x, y)
    assert x.shape == (9, 8, 8, 4)


# ---- what cannot be meant ------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments, message", [
    ({"zoom_range": (1, 2, 3)}, "zoom_range is a pair of numbers"),
    ({"brightness_range": 2}, "brightness_range is a pair of numbers"),
    ({"fill_mode": "mirror"}, "fill_mode is one of"),
    ({"data_format": "last"}, "data_format: expected one of"),
    ({"validation_split": 1.5}, "validation_split is a fraction"),
    ({"rotation": 3}, "Did you mean `rotation_range`"),
])  # fmt: skip
def test_bad_settings(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        image.ImageDataGenerator(**arguments)


def test_bad_data(photos, folder):
    generator = image.ImageDataGenerator()
    for x, message in (
        (np.arange(5), "4 axes"), (photos[..., :2], "1, 3 or 4 channels on axis 3"), (photos[0], "4 axes"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            generator.flow(x)
        with pytest.raises(ValueError, match=message):
            generator.fit(x)
    with pytest.raises(ValueError, match="x has 21, y has 3"):
        generator.flow(photos, np.zeros(3))
    with pytest.raises(ValueError, match="classes in the part for validation"):
        image.ImageDataGenerator(validation_split=0.5).flow(photos, np.arange(21), subset="training")
    with pytest.raises(ValueError, match="no folder for the classes birds"):
        generator.flow_from_directory(folder, classes=["cats", "birds"])
    with pytest.raises(ValueError, match="class_mode is one of"):
        generator.flow_from_directory(folder, class_mode="labels")
    with pytest.warns(UserWarning, match="featurewise_center does nothing before `fit`"):
        next(image.ImageDataGenerator(featurewise_center=True).flow(photos))
    with pytest.raises(ValueError, match="zoom_range is a pair"):
        image.random_zoom(photos[0], (5, 5, 5))
