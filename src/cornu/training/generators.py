"""The methods of Keras 1 and 2 for data that comes in batches: `fit` and its kind, under their older names."""

from collections.abc import Iterable, Sequence

from ..eras import border
from . import callbacks as hooks
from .data import Stream


class FromGenerators:
    """`fit_generator`, `evaluate_generator` and `predict_generator` of a model.

    Keras 1 counts samples (`samples_per_epoch`, `nb_val_samples`, `val_samples`), Keras 2 counts batches (`steps`).
    """

    @border.method("Model.fit_generator")
    def fit_generator(
        self,
        generator: Iterable,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: int | str = 1,
        callbacks: Sequence | None = None,
        validation_data=None,
        validation_steps: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        class_weight=None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
        samples_per_epoch: int | None = None,
        nb_val_samples: int | None = None,
    ) -> hooks.History:
        """`fit` on batches `(x, y)` or `(x, y, sample_weight)`.

        Args:
            samples_per_epoch: an epoch ends with the batch that reaches so many samples (Keras 1).
            nb_val_samples: the same for `validation_data` that yields batches.
            max_queue_size, workers, use_multiprocessing: of a `Sequence`: how far ahead, and by how many threads.
        """
        if validation_data is not None and not isinstance(validation_data, list | tuple):
            validation_data = _stream(validation_data, validation_steps, nb_val_samples)
        return self.fit(
            x=_stream(generator, steps_per_epoch, samples_per_epoch, shuffle, workers, max_queue_size),
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_freq=validation_freq,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
        )

    @border.method("Model.evaluate_generator")
    def evaluate_generator(
        self,
        generator: Iterable,
        steps: int | None = None,
        callbacks: Sequence | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: int | str = 0,
        val_samples: int | None = None,
    ):
        """`evaluate` on batches; `val_samples` counts samples (Keras 1)."""
        data = _stream(generator, steps, val_samples, False, workers, max_queue_size)
        return self.evaluate(x=data, callbacks=callbacks, verbose=verbose)

    @border.method("Model.predict_generator")
    def predict_generator(
        self,
        generator: Iterable,
        steps: int | None = None,
        callbacks: Sequence | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: int | str = 0,
        val_samples: int | None = None,
    ):
        """`predict` on batches; `val_samples` counts samples (Keras 1)."""
        data = _stream(generator, steps, val_samples, False, workers, max_queue_size)
        return self.predict(x=data, callbacks=callbacks, verbose=verbose)


def _stream(source, steps, samples, shuffle: bool = False, workers: int = 1, ahead: int = 10) -> Stream:
    return Stream(source, steps, shuffle, samples=samples, workers=workers, ahead=ahead)
