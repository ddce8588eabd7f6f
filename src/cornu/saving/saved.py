"""What every model can tell of itself: a summary, a description, a file."""

from typing import Self

from ..eras import border
from ..utils import text_summary
from . import archive, objects


class Saved:
    """A model as text and as files."""

    summary = text_summary.summary

    def to_json(self, **kwargs) -> str:
        """The architecture as JSON; `models.model_from_json` reads it."""
        return objects.to_json(self, **kwargs)

    def to_yaml(self, **kwargs) -> str:
        """The architecture as YAML, which needs the package pyyaml; `models.model_from_yaml` reads it."""
        return objects.to_yaml(self, **kwargs)

    @border.method("Model.save")
    def save(
        self, filepath, overwrite: bool = True, zipped: bool | None = None, include_optimizer: bool = True
    ) -> None:
        """Write the whole model: into a `.keras` file, or a `.h5` one (older), or by zipped=False into a folder."""
        archive.save_model(self, filepath, overwrite, zipped, include_optimizer)

    def save_weights(self, filepath, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Write the weights into a file: `.weights.h5`, or `.h5` (the older format).

        Or into several, of `max_shard_size` gigabytes at most, which the file `.weights.json` lists.
        """
        archive.save_weights(self, filepath, overwrite, max_shard_size)

    @border.method("Model.load_weights")
    def load_weights(
        self,
        filepath,
        by_name: bool = False,
        skip_mismatch: bool = False,
        reshape: bool = False,
        backend: str | None = None,
        keras_version: str | None = None,
    ) -> None:
        """Read the weights from a file that `save_weights` or `save` wrote.

        Args:
            by_name: whether layers find theirs by name, in the older layout.
            skip_mismatch: whether what does not fit is left as it is, with a warning.
            reshape: whether arrays of another shape are taken where they hold as many numbers.
            backend: "theano" or "tensorflow", on which Keras 1 ran, where the file does not tell.
            keras_version: its version, where the file does not tell; before 1.0.7 BatchNormalization kept deviations.
        """
        archive.load_weights(self, filepath, by_name, skip_mismatch, reshape, backend, keras_version)

    def __reduce__(self):
        return archive.from_bytes, (archive.to_bytes(self),)

    def __deepcopy__(self, memo: dict) -> Self:
        return archive.from_bytes(archive.to_bytes(self))
