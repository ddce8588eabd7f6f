"""What every model can tell of itself: a summary, a description, a file."""

from collections.abc import Callable, Sequence
from typing import Any, Self

from ..eras import border
from ..utils import text_summary
from . import archive, objects


class Saved:
    """A model as text and as files."""

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes and their numbers of weights."""
        text_summary.summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def to_json(self, **kwargs) -> str:
        """The architecture as JSON; `models.model_from_json` reads it."""
        return objects.to_json(self, **kwargs)

    def to_yaml(self, **kwargs) -> str:
        """The architecture as YAML, which needs the package pyyaml; `models.model_from_yaml` reads it."""
        return objects.to_yaml(self, **kwargs)

    @border.method("Model.save")
    def save(self, filepath, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write the whole model into a file: `.keras`, or `.h5` (the older format)."""
        archive.save_model(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath, overwrite: bool = True) -> None:
        """Write the weights into a file: `.weights.h5`, or `.h5` (the older format)."""
        archive.save_weights(self, filepath, overwrite)

    @border.method("Model.load_weights")
    def load_weights(
        self, filepath, by_name: bool = False, skip_mismatch: bool = False, reshape: bool = False
    ):
        """Read the weights from a file that `save_weights` or `save` wrote; `reshape`: take other shapes that fill."""
        archive.load_weights(self, filepath, by_name, skip_mismatch, reshape)

    def __reduce__(self):
        return archive.from_bytes, (archive.to_bytes(self),)

    def __deepcopy__(self, memo: dict) -> Self:
        return archive.from_bytes(archive.to_bytes(self))
