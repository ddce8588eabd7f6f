"""What masks do to the values of merging and normalizing layers, against Keras 3.15.1."""

import numpy as np
import pytest

import cornu


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


@pytest.mark.parametrize("masked", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("name", ["Add", "Maximum", "Minimum", "Multiply"])
def test_a_masked_place_leaves_the_other_inputs_as_they_are(keras, name, masked):
    draw = np.random.default_rng(0)
    arrays = [(draw.integers(0, 2, (2, 5, 1)) * draw.normal(size=(2, 5, 3))).astype("float32") for _ in "xy"]

    def merged(library):
        mask = library.layers.Masking()
        inputs = [
            mask(x) if is_masked else library.ops.convert_to_tensor(x)
            for x, is_masked in zip(arrays, masked, strict=True)
        ]
        return np.asarray(getattr(library.layers, name)()(inputs))

    np.testing.assert_allclose(merged(cornu), merged(keras), rtol=1e-6)


def test_in_era_2_masks_leave_the_values_of_a_product_alone():
    with cornu.era_scope(2):
        x = np.array([[[0.0], [2.0]]], "float32")
        masked = cornu.layers.Masking()(cornu.ops.array(x))
        assert np.asarray(cornu.layers.Multiply()([masked, cornu.ops.array(x + 1)])).ravel().tolist() == [
            0,
            6,
        ]


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_batch_normalization_leaves_masked_places_out_along_any_axis(keras, axis):
    draw = np.random.default_rng(1)
    x, mask = draw.normal(size=(4, 3, 3, 2)).astype("float32"), draw.random((4, 3, 3)) > 0.4

    def normalized(library):
        layer = library.layers.BatchNormalization(axis=axis)
        return np.asarray(layer(x, training=True, mask=mask)), np.asarray(layer.moving_variance)

    for mine, theirs in zip(normalized(cornu), normalized(keras), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("era", [1, 2, 3])
@pytest.mark.parametrize("name", ["mask", "previous_mask"])
def test_compute_mask_takes_the_mask_by_either_name(era, name):
    with cornu.era_scope(era):
        x, mask = np.ones((2, 4, 3), "float32"), np.array([[True, True, False, False]] * 2)
        made = cornu.layers.LSTM(3, return_sequences=True).compute_mask(x, **{name: mask})
        np.testing.assert_array_equal(made, mask)
