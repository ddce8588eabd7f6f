"""`show_accuracy=True` and `accuracy=True` of Keras 0: the accuracy along with the loss, for one call."""

import functools
from collections.abc import Callable


def shows_accuracy(word: str) -> Callable[[Callable], Callable]:
    """Decorator of a model's method: `word` asks for the accuracy, which `compile` was not told of.

    From the first call that asks for it the model counts it; what is returned has it in the calls that ask.
    """

    def decorate(method: Callable) -> Callable:
        @functools.wraps(method)
        def wrapper(self, *args, **kwargs):
            asked = kwargs.pop(word, None)
            if asked:
                self._count_accuracy()
            before, self._hides_accuracy = self._hides_accuracy, self._adds_accuracy and not asked
            try:
                return method(self, *args, **kwargs)
            finally:
                self._hides_accuracy = before

        wrapper.asks_for_accuracy = word
        return wrapper

    return decorate


class ShowsAccuracy:
    """What a model needs for it."""

    _adds_accuracy = False  # whether a call asked for it
    _hides_accuracy = False  # whether the call that runs did not ask

    def _count_accuracy(self) -> None:
        self._require_compiled("show_accuracy")
        metrics = self._compile_arguments["metrics"]
        if not metrics and not self._adds_accuracy:
            self._compile_arguments["metrics"] = ["accuracy"]
            self._compiled_metrics, self._runners, self._adds_accuracy = None, {}, True

    def _as_asked(self, logs: dict) -> dict:
        """The logs without an accuracy that was not asked for."""
        if not self._hides_accuracy:
            return logs
        return {name: value for name, value in logs.items() if name.split("_")[-1] not in ("acc", "accuracy")}
