"""Models as scikit-learn's estimators, for its grid searches, cross validations and pipelines."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import config
from ..eras import border
from ..sequential import Sequential
from ..utils.numeric import to_categorical

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor"]

METHODS = {  # whose arguments may be parameters of an estimator
    "Model.fit": Sequential.fit,
    "Model.predict": Sequential.predict,
    "Model.evaluate": Sequential.evaluate,
    "Sequential.predict_classes": Sequential.predict_classes,
}


class BaseWrapper:
    """An estimator that builds a model each time it is fitted.

    Parameters are arguments of `build_fn` and of `fit`, `predict`, `predict_classes` and `evaluate`, in the spelling of
    the era; what the methods are given goes before what was given here.

    Args:
        build_fn: function, or object with `__call__`, that returns a compiled model; or None in a subclass that has a
            `__call__` of its own.
        sk_params: the parameters.

    Raises ValueError for a parameter that none of these takes.
    """

    _estimator_type: str | None = None

    def __init__(self, build_fn: Callable | None = None, **sk_params):
        self.build_fn, self.sk_params = build_fn, sk_params
        self.check_params(sk_params)

    def _builder(self) -> Callable:
        if self.build_fn is None and not callable(self):
            raise ValueError(f"{type(self).__name__} needs a `build_fn` that returns a compiled model")
        return self if self.build_fn is None else self.build_fn

    def _names(self, fn: Callable) -> set[str]:
        """The names that a function takes, in all the spellings that the era's programs use."""
        owner = next((name for name, method in METHODS.items() if method is fn), None)
        return border.accepted(owner, fn) if owner else set(border.parameters(fn))

    def check_params(self, params: Mapping[str, Any]) -> None:
        """Raise ValueError for a parameter that neither `build_fn` nor the methods of a model take."""
        builder = self.build_fn or (self if callable(self) else None)
        legal = set().union(*map(self._names, METHODS.values()), *([self._names(builder)] if builder else []))
        for name in params:
            if name not in legal:
                raise ValueError(
                    f"{name} is not a legal parameter: neither build_fn nor fit, predict and evaluate take it"
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name, `build_fn` among them."""
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params) -> "BaseWrapper":
        """Change parameters; returns the estimator."""
        if "build_fn" in params:
            self.build_fn = params.pop("build_fn")
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, fn: Callable, override: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The parameters that a function takes, with those in `override` in their place."""
        names = self._names(fn)
        return {name: value for name, value in self.sk_params.items() if name in names} | dict(override or {})

    def fit(self, x, y, **kwargs):
        """Build a model and fit it.

        Args:
            x: array `(n_samples, n_features)`.
            y: array `(n_samples,)` or `(n_samples, n_outputs)`.
            kwargs: arguments of `fit`.

        Returns the history.
        """
        builder = self._builder()
        self.model = builder(**self.filter_sk_params(builder))
        self.n_features_in_ = np.shape(x)[-1]
        return self.model.fit(x, self._targets(y), **self.filter_sk_params(Sequential.fit, kwargs))

    def _targets(self, y):
        """Targets as the model's loss wants them."""
        loss = self.model.loss
        name = loss if isinstance(loss, str) else getattr(loss, "__name__", getattr(loss, "name", None))
        return to_categorical(y) if name == "categorical_crossentropy" and np.ndim(y) != 2 else y

    def _evaluated(self, x, y, kwargs: Mapping[str, Any]) -> dict[str, float]:
        values = self.model.evaluate(
            x, self._targets(y), **self.filter_sk_params(Sequential.evaluate, kwargs)
        )
        return dict(zip(self.model.metrics_names, np.atleast_1d(values).tolist(), strict=False))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model")

    def __sklearn_tags__(self):
        from sklearn.utils import (  # optional: there where this is asked
            ClassifierTags,
            InputTags,
            RegressorTags,
            Tags,
            TargetTags,
        )

        kinds = {
            "classifier": ("classifier_tags", ClassifierTags),
            "regressor": ("regressor_tags", RegressorTags),
        }
        own = [kinds[self._estimator_type]] if self._estimator_type else []
        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=True),
            input_tags=InputTags(three_d_array=True),
            **{name: tags() for name, tags in own},
        )


class KerasClassifier(BaseWrapper):
    """A classifier; see `BaseWrapper`.

    Labels may be anything that can be sorted; in era 1 whole numbers are the places of the classes in the output.

    Attributes:
        classes_: the labels, in the order of the outputs.

    Example:
        >>> def build(units=8):
        ...     stack = [cornu.Input((2,)), cornu.layers.Dense(units), cornu.layers.Dense(3, "softmax")]
        ...     model = cornu.Sequential(stack)
        ...     model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> classifier = KerasClassifier(build, units=4, epochs=1, verbose=0)
        >>> _ = classifier.fit(np.random.rand(12, 2), ["a", "b", "c"] * 4)
        >>> classifier.predict_proba(np.zeros((5, 2))).shape
        (5, 3)
    """

    _estimator_type = "classifier"

    def fit(self, x, y, sample_weight=None, **kwargs):
        """Build a model and fit it.

        Args:
            x: array `(n_samples, n_features)`.
            y: labels `(n_samples,)`, or one-hot rows `(n_samples, n_classes)`.
            sample_weight: a weight for each sample, or None.
            kwargs: arguments of `fit`.

        Returns the history.
        """
        y = np.asarray(y)
        if y.ndim > 2 or not y.ndim:
            raise ValueError(
                f"KerasClassifier: labels have one axis, one-hot rows two; got the shape {y.shape}"
            )
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif config.era() == 1 and y.dtype.kind in "iub":
            self.classes_ = np.arange(int(y.max()) + 1)
        else:
            self.classes_ = np.unique(y)
        self.n_classes_ = len(self.classes_)
        if sample_weight is not None:
            kwargs["sample_weight"] = sample_weight
        return super().fit(x, y, **kwargs)

    def _targets(self, y):
        y = np.asarray(y)
        return super()._targets(y if y.ndim == 2 and y.shape[1] > 1 else np.searchsorted(self.classes_, y))

    def predict(self, x, **kwargs) -> np.ndarray:
        """The likeliest label of each sample, `(n_samples,)`; `(n_samples, 1)` where the model has one output.

        Args:
            x: array `(n_samples, n_features)`.
            kwargs: arguments of `predict`.
        """
        given = self.filter_sk_params(Sequential.predict_classes, kwargs)
        found = np.asarray(self.model.predict(x, **given))
        places = found.argmax(-1) if found.shape[-1] > 1 else (found > 0.5).astype(int)
        return self.classes_[places] if places.max(initial=0) < len(self.classes_) else places

    def predict_proba(self, x, **kwargs) -> np.ndarray:
        """The probability of each class, `(n_samples, n_classes)`, two of them where the model has one output.

        Args:
            x: array `(n_samples, n_features)`.
            kwargs: arguments of `predict`.
        """
        given = self.filter_sk_params(Sequential.predict_classes, kwargs)
        found = np.asarray(self.model.predict(x, **given))
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def score(self, x, y, **kwargs) -> float:
        """The share of samples whose label is found.

        Args:
            x, y: as in `fit`.
            kwargs: arguments of `evaluate`.

        Raises ValueError where the model does not measure its accuracy.
        """
        found = self._evaluated(x, y, kwargs)
        for name in ("acc", "accuracy"):
            if name in found:
                return found[name]
        raise ValueError('The model does not measure its accuracy: compile it with metrics=["accuracy"]')


class KerasRegressor(BaseWrapper):
    """A regressor; see `BaseWrapper`."""

    _estimator_type = "regressor"

    def predict(self, x, **kwargs) -> np.ndarray:
        """What the model says, `(n_samples,)` where it says one number.

        Args:
            x: array `(n_samples, n_features)`.
            kwargs: arguments of `predict`.
        """
        found = np.asarray(self.model.predict(x, **self.filter_sk_params(Sequential.predict, kwargs)))
        if config.era() == 1:
            return np.squeeze(found)
        return found[..., 0] if found.shape[-1] == 1 else found

    def score(self, x, y, **kwargs) -> float:
        """The loss, less than zero so that more is better; in era 1 as it is.

        Args:
            x, y: as in `fit`.
            kwargs: arguments of `evaluate`.
        """
        loss = next(iter(self._evaluated(x, y, kwargs).values()))
        return loss if config.era() == 1 else -loss
