"""Images for training: changed at random, brought to one scale, in batches."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import config
from ..base import Configurable
from ..eras import border
from ..utils.image import array_to_img, img_to_array, list_pictures, load_img, save_img
from . import image_affine as affine
from .image_affine import transform_matrix_offset_center
from .image_folders import DirectoryIterator
from .image_frames import DataFrameIterator
from .image_iterators import (
    ImageIterator,
    Iterator,
    NumpyArrayIterator,
    check_images,
)
from .image_transforms import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    apply_transform,
    flip_axis,
    pair,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "ImageIterator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "apply_transform",
    "array_to_img",
    "flip_axis",
    "img_to_array",
    "list_pictures",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "transform_matrix_offset_center",
]

EPSILON = {1: 1e-7, 2: 1e-6, 3: 1e-6}  # beside standard deviations


def _of_covariance(flat: np.ndarray, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Directions of rows of pixels, and 1 / the standard deviation along each, by the covariance."""
    u, s, _ = np.linalg.svd(flat.T @ flat / len(flat))
    return u, 1 / np.sqrt(s + epsilon)


def _of_rows(flat: np.ndarray, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """The same by the rows themselves: directions in which there is nothing are left out."""
    u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
    return u, np.sqrt(len(flat)) / (s + epsilon)


WHITENING = {1: _of_covariance, 2: _of_covariance, 3: _of_rows}
GEOMETRY = {"theta": 0.0, "tx": 0.0, "ty": 0.0, "shear": 0.0, "zx": 1.0, "zy": 1.0}  # what changes nothing


class ImageDataGenerator(Configurable):
    """Batches of images, each changed at random, then standardised.

    An image is turned, shifted, sheared and zoomed by one affine map, its channels are shifted, it is flipped; then
    comes `preprocessing_function`, then `rescale`, then centring and scaling. Era 1 has 1.2.2's arithmetic: nearest
    pixels, a shear in radians, a shift for each channel, `samplewise` over the channels of each pixel.

    Args:
        featurewise_center, featurewise_std_normalization: whether the mean and the standard deviation over all images,
            for each channel, become 0 and 1. Needs `fit`.
        samplewise_center, samplewise_std_normalization: the same over each image.
        zca_whitening, zca_epsilon: whether to take out what pixels have in common: `x U (S + epsilon)^(-1/2) U'` for
            the covariance `U S U'`, in era 3 `x U (S^(1/2) + epsilon)^(-1) U'`. Needs `fit`.
        rotation_range: degrees.
        width_shift_range, height_shift_range: fractions of the width and height; from 1 on pixels; an int or a list is
            a choice of pixels (eras 2 and 3).
        brightness_range: pair of factors.
        shear_range: degrees, in era 1 radians.
        zoom_range: pair of factors, or z for `[1 - z, 1 + z]`.
        channel_shift_range: the largest number that is added or taken away.
        fill_mode: what is beyond the edges: 'nearest', 'reflect', 'wrap', or 'constant', which is `cval`.
        horizontal_flip, vertical_flip: whether every other image is turned about.
        rescale: a factor, or None.
        preprocessing_function: function of one image.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        validation_split: the part of the data that `subset="validation"` means.
        interpolation_order: of the spline between pixels: 0 takes the nearest one, 1 is linear; over 1 needs SciPy.
        dtype: of the images; the global float type if None.

    Raises ValueError for ranges, words and fractions that mean nothing.

    Example:
        >>> images = np.random.rand(10, 8, 8, 3)
        >>> x = next(ImageDataGenerator(rotation_range=20, horizontal_flip=True).flow(images, batch_size=4))
        >>> x.shape
        (4, 8, 8, 3)
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range=0.0,
        height_shift_range=0.0,
        brightness_range: tuple[float, float] | None = None,
        shear_range: float = 0.0,
        zoom_range=0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function=None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: str | None = None,
    ):
        self.featurewise_center, self.samplewise_center = featurewise_center, samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = (
            each if np.isscalar(each) else list(each) for each in (width_shift_range, height_shift_range)
        )
        self.channel_shift_range, self.fill_mode, self.cval = channel_shift_range, fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.interpolation_order, self.dtype = interpolation_order, dtype or config.floatx()
        zooms = [1 - zoom_range, 1 + zoom_range] if np.isscalar(zoom_range) else zoom_range
        self.zoom_range = list(pair("zoom_range", zooms))
        self.brightness_range = brightness_range and pair("brightness_range", brightness_range)
        affine.check_fill_mode(fill_mode)
        if not 0 <= validation_split < 1:
            raise ValueError(f"validation_split is a fraction from 0 to 1; got {validation_split}")
        self.validation_split = validation_split
        self.data_format = config.standardize_data_format(data_format)
        last = self.data_format == "channels_last"
        self.channel_axis, self.row_axis, self.col_axis = (3, 1, 2) if last else (1, 2, 3)
        self.mean = self.std = self.zca_whitening_matrix = None
        if self._era > 1:
            self._complete()

    def _complete(self) -> None:
        """Switch on what a setting needs beside itself, and off what it is instead of (eras 2 and 3)."""
        for setting, other, needed in (
            ("zca_whitening", "featurewise_center", True),
            ("zca_whitening", "featurewise_std_normalization", False),
            ("featurewise_std_normalization", "featurewise_center", True),
            ("samplewise_std_normalization", "samplewise_center", True),
        ):
            if getattr(self, setting) and getattr(self, other) != needed:
                setattr(self, other, needed)
                warnings.warn(f"ImageDataGenerator: {setting} sets {other}={needed}", stacklevel=4)

    def __getattr__(self, name: str):
        """Attributes by the names they once had."""
        return border.old_attribute(self, name)

    # ---- batches -----------------------------------------------------------------------------------

    @border.method("ImageDataGenerator.flow")
    def flow(
        self,
        x,
        y=None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight=None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Batches of the images in an array, without end; see `NumpyArrayIterator`."""
        return NumpyArrayIterator(
            x=x,
            y=y,
            image_data_generator=self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            ignore_class_split=ignore_class_split,
            dtype=self.dtype,
        )

    @border.method("ImageDataGenerator.flow_from_directory")
    def flow_from_directory(
        self,
        directory,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes=None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Batches of the images in a directory of folders, without end; see `DirectoryIterator`."""
        return DirectoryIterator(
            directory=directory,
            image_data_generator=self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            dtype=self.dtype,
        )

    def flow_from_dataframe(
        self, dataframe, directory=None, x_col: str = "filename", y_col="class", weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256), color_mode: str = "rgb", classes=None,
        class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True, seed: int | None = None,
        save_to_dir: str | None = None, save_prefix: str = "", save_format: str = "png", subset: str | None = None,
        interpolation: str = "nearest", validate_filenames: bool = True, **kwargs,
    ) -> DataFrameIterator:  # fmt: skip
        """Batches of the images that a table names, without end; see `DataFrameIterator`."""
        given = {name: value for name, value in locals().items() if name not in ("self", "kwargs")}
        for name in kwargs.keys() & {"drop_duplicates", "has_ext", "sort"}:
            warnings.warn(f"flow_from_dataframe: `{name}` has no effect from Keras 2.3 on", stacklevel=2)
            del kwargs[name]
        if class_mode == "other":  # as it was called before
            given["class_mode"] = "raw"
        more = {"dtype": self.dtype, "data_format": self.data_format} | kwargs
        return DataFrameIterator(image_data_generator=self, **given, **more)

    # ---- random transforms -------------------------------------------------------------------------

    def draw(self, img_shape, random) -> dict[str, Any]:
        """What `apply_transform` takes, at random: one image's share of the numbers that `random` gives.

        The order of the draws is that of Keras 1.2.2 in era 1, and of Keras 2 and 3 in these.
        """
        uniform, drawn = random.uniform, {}
        if self.rotation_range:
            drawn["theta"] = uniform(-self.rotation_range, self.rotation_range)
        for name, limit, axis in (
            ("tx", self.height_shift_range, self.row_axis),
            ("ty", self.width_shift_range, self.col_axis),
        ):
            if limit:
                drawn[name] = self._draw_shift(limit, img_shape[axis - 1], random)
        if self.shear_range:
            drawn["shear"] = uniform(-self.shear_range, self.shear_range)
        if self.zoom_range != [1, 1]:
            drawn["zx"], drawn["zy"] = uniform(*self.zoom_range, 2)
        flips = (("flip_horizontal", self.horizontal_flip), ("flip_vertical", self.vertical_flip))
        if self._era == 1:
            if self.channel_shift_range:
                count = img_shape[self.channel_axis - 1]
                drawn["channel_shift_intensity"] = uniform(
                    -self.channel_shift_range, self.channel_shift_range, count
                )
            return drawn | {name: random.random_sample() < 0.5 for name, wanted in flips if wanted}
        drawn |= {name: (random.random_sample() < 0.5) and wanted for name, wanted in flips}
        if self.channel_shift_range:
            drawn["channel_shift_intensity"] = uniform(-self.channel_shift_range, self.channel_shift_range)
        if self.brightness_range is not None:
            drawn["brightness"] = uniform(*self.brightness_range)
        return drawn

    def _draw_shift(self, limit, size: int, random) -> float:
        if self._era == 1:
            return random.uniform(-limit, limit) * size
        if isinstance(limit, float):
            shift = random.uniform(-limit, limit)
        else:
            shift = random.choice(limit) * random.choice([-1, 1])
        return shift * size if (max(limit) if isinstance(limit, list) else limit) < 1 else shift

    def get_random_transform(self, img_shape, seed: int | None = None) -> dict[str, Any]:
        """What `apply_transform` takes, at random.

        Args:
            img_shape: tuple of 3 ints.
            seed: int; without one, numbers come from `numpy.random`.
        """
        none = {"flip_horizontal": False, "flip_vertical": False}
        none |= {"channel_shift_intensity": None, "brightness": None}
        return (
            GEOMETRY | none | self.draw(img_shape, np.random if seed is None else np.random.RandomState(seed))
        )

    def apply_transform(self, x, transform_parameters: dict[str, Any]) -> np.ndarray:
        """One image changed by given amounts.

        Args:
            x: array of 3 axes.
            transform_parameters: those of `apply_affine_transform`, `channel_shift_intensity`, `flip_horizontal`,
                `flip_vertical` and `brightness`; what is not there changes nothing.
        """
        return self._transformed(np.array(x)[None], [transform_parameters])[0]

    def random_transform(self, x, seed: int | None = None) -> np.ndarray:
        """One image changed at random; without a seed, numbers come from `numpy.random`."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def _transformed(self, images: np.ndarray, draws: list[dict[str, Any]]) -> np.ndarray:
        """Images `(n, ...)` changed by given amounts, perhaps in place."""
        rules = affine.RULES[self._era]
        amounts = {
            name: np.array([draw.get(name, no) for draw in draws])
            for name, no in GEOMETRY.items()
            if any(draw.get(name, no) != no for draw in draws)
        }
        flips = [
            np.array([bool(draw.get(name)) for draw in draws])
            for name in ("flip_vertical", "flip_horizontal")
        ]
        if amounts:
            height, width = images.shape[self.row_axis], images.shape[self.col_axis]
            images = affine.warp(
                images,
                affine.centred(affine.matrices(rules, **amounts), height, width, rules),
                self.fill_mode,
                self.cval,
                self.interpolation_order,
                self.channel_axis == 1,
                flips,
            )
        else:
            for flip, axis in zip(flips, (self.row_axis, self.col_axis), strict=True):
                if flip.any():
                    images[flip] = np.flip(images[flip], axis)
        for image, draw in zip(images, draws, strict=True):
            shift, brightness = draw.get("channel_shift_intensity"), draw.get("brightness")
            if shift is not None:
                image[...] = apply_channel_shift(image, shift, self.channel_axis - 1)
            if brightness is not None:
                image[...] = apply_brightness_shift(image, brightness, self._era < 3, self.data_format)
        return images

    # ---- standardising -----------------------------------------------------------------------------

    def standardize(self, x) -> np.ndarray:
        """One image, or an array of them, standardised: in place, where it is an array of floats."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        x = np.asarray(x)
        x = x if x.dtype.kind == "f" else x.astype(self.dtype)
        return self._standardized(x, self.channel_axis - 4 if self._era == 1 else None)

    def _standardized(self, x: np.ndarray, samplewise) -> np.ndarray:
        """An array, changed in place; `samplewise` are the axes over which an image has a mean."""
        epsilon = EPSILON[self._era]
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= x.mean(samplewise, keepdims=True)
        if self.samplewise_std_normalization:
            x /= x.std(samplewise, keepdims=True) + epsilon
        if self._is_fitted("featurewise_center", self.mean):
            x -= self.mean
        if self._is_fitted("featurewise_std_normalization", self.std):
            x /= self.std + epsilon
        if self._is_fitted("zca_whitening", self.zca_whitening_matrix):
            matrix = self.zca_whitening_matrix
            x = (x.reshape(-1, len(matrix)) @ matrix).reshape(x.shape).astype(x.dtype, copy=False)
        return x

    def _is_fitted(self, setting: str, learned) -> bool:
        if getattr(self, setting) and learned is None:
            warnings.warn(
                f"ImageDataGenerator: {setting} does nothing before `fit` has seen images", stacklevel=4
            )
        return getattr(self, setting) and learned is not None

    def fit(self, x, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Learn what `featurewise_center`, `featurewise_std_normalization` and `zca_whitening` need.

        Args:
            x: images `(n, height, width, channels)`.
            augment: whether to learn from images that are changed at random.
            rounds: how many of these each image gives.
            seed: int; without one, numbers come from `numpy.random`.

        Raises ValueError for what is no array of images.
        """
        x = np.array(x, self.dtype)
        check_images("ImageDataGenerator.fit", x, self.data_format)
        if augment:
            x = np.concatenate(list(self._changed(x, rounds, seed)))
        over, epsilon = (0, self.row_axis, self.col_axis), EPSILON[self._era]
        if self.featurewise_center:
            self.mean = x.mean(over, keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = x.std(over, keepdims=True)[0]
            x /= self.std + epsilon
        if self.zca_whitening:
            u, scale = WHITENING[self._era](x.reshape(len(x), -1), self.zca_epsilon)
            self.zca_whitening_matrix = (u * scale) @ u.T

    def _changed(self, x: np.ndarray, rounds: int, seed: int | None) -> Iterable[np.ndarray]:
        """The images, changed at random, so many times."""
        random = np.random if seed is None else np.random.RandomState(seed)
        for _ in range(rounds):
            if self.draws_ahead:
                yield self._transformed(x.copy(), [self.draw(x.shape[1:], random) for _ in x])
            else:
                yield np.stack([self.random_transform(each) for each in x])

    # ---- for iterators -----------------------------------------------------------------------------

    def _is_own(self, *methods: str) -> bool:
        """Whether no subclass has one of these methods."""
        return all(getattr(type(self), name) is getattr(ImageDataGenerator, name) for name in methods)

    @property
    def draws_ahead(self) -> bool:
        """Whether `draw` says all that is random: a subclass may have a `random_transform` of its own."""
        return self._is_own("random_transform", "get_random_transform")

    def prepare(self, images: np.ndarray, draws: list[dict[str, Any]]) -> np.ndarray:
        """Images of floats, `(n, ...)`, changed by given amounts and standardised."""
        if self._is_own("apply_transform"):
            images = self._transformed(images, draws)
        else:
            images = np.stack([self.apply_transform(*each) for each in zip(images, draws, strict=True)])
        if not self._is_own("standardize"):
            return np.stack([self.standardize(each) for each in images])
        if self.preprocessing_function:
            images = np.stack([self.preprocessing_function(each) for each in images])
        images = images.astype(self.dtype, copy=False)
        return self._standardized(images, self.channel_axis if self._era == 1 else (1, 2, 3))
