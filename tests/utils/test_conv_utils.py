"""Lengths of convolutions are those that convolutions have."""

import numpy as np
import pytest

import cornu
from cornu.utils import conv_utils, np_utils


@pytest.mark.parametrize("padding", ["same", "valid", "causal"])
@pytest.mark.parametrize("size, stride, dilation", [(1, 1, 1), (3, 1, 1), (3, 2, 1), (4, 3, 1), (3, 1, 2)])
def test_output_is_the_layers(padding, size, stride, dilation):
    layer = cornu.layers.Conv1D(1, size, strides=stride, padding=padding, dilation_rate=dilation)
    for length in (9, 10, 11, 12):
        made = conv_utils.conv_output_length(length, size, padding, stride, dilation)
        assert made == layer.compute_output_shape((1, length, 2))[1]


@pytest.mark.parametrize("size, stride", [(1, 1), (3, 1), (5, 2), (4, 3)])
def test_full_is_numpys(size, stride):
    for length in (7, 8):
        full = np.convolve(np.ones(length), np.ones(size), "full")
        assert conv_utils.conv_output_length(length, size, "full", stride) == len(full[::stride])


@pytest.mark.parametrize("padding", ["same", "valid", "full"])
def test_there_and_back(padding):
    for length in range(1, 9):
        given = conv_utils.conv_input_length(length, 3, padding, 2)
        assert conv_utils.conv_output_length(given, 3, padding, 2) in (length, length + (padding == "same"))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size, stride", [(3, 1), (3, 2), (2, 3), (5, 2)])
def test_transposed_is_the_layers(padding, size, stride):
    layer = cornu.layers.Conv2DTranspose(1, size, strides=stride, padding=padding)
    for length in (5, 6):
        made = conv_utils.deconv_length(length, stride, size, padding)
        assert made == layer.compute_output_shape((1, length, length, 2))[1]


def test_what_is_not_known_and_what_is_wrong():
    assert conv_utils.conv_output_length(None, 3, "same", 1) is None
    assert conv_utils.conv_input_length(None, 3, "same", 1) is None
    assert conv_utils.deconv_length(None, 3, 1, "same") is None
    assert conv_utils.deconv_length(5, 2, 3, "valid", 1) == 4 * 2 + 3 + 1
    assert conv_utils.normalize_tuple([1, 2], 2, "x") == (1, 2)
    assert conv_utils.normalize_padding("SAME") == "same"
    for value in ((1,), "ab", None, 2.5):
        with pytest.raises(ValueError, match="`strides` is an int or a tuple of 2 ints"):
            conv_utils.normalize_tuple(value, 2, "strides")
    with pytest.raises(ValueError, match="padding is one of causal, full, same, valid; got 'half'"):
        conv_utils.normalize_padding("half")


def test_old_names():
    cornu.set_era(1)
    assert np_utils.conv_output_length(10, 3, border_mode="valid", stride=1) == 8
    assert np_utils.conv_input_length(8, 3, "valid", 1) == 10
