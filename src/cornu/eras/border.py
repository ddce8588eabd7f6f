"""The one place where old spellings become today's: around constructors and a few methods."""

import difflib
import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from .. import config, scope
from . import names

_KINDS = inspect.Parameter
_NONE: dict = {}
_SHAPES = {"input_shape", "batch_input_shape", "batch_shape"}


def rename(family: str, name: str) -> str:
    """Today's name of a class or function of a package: `rename("layers", "Convolution2D")` is "Conv2D"."""
    return names.CLASSES.get(family, _NONE).get(name, name)


def attribute(name: str) -> tuple[str, ...]:
    """Today's names of an attribute that layers once had: `attribute("W")` is `("kernel", "embeddings")`."""
    return names.ATTRIBUTES.get(name, ())


def old_attribute(owner, name: str):
    """What an object holds under today's name of an attribute, in the old spelling.

    Raises AttributeError where there is none.
    """
    whole, index = names.PIECES.get(name, (None, 0))
    if whole in vars(owner):
        return vars(owner)[whole][index]
    for today in attribute(name):
        if today in vars(owner):
            value = vars(owner)[today]
            return names.SPELLED.get(name, _NONE).get(value, value) if isinstance(value, str) else value
    raise AttributeError(f"{type(owner).__name__} has no attribute {name!r}")


def layer_name(class_name: str) -> tuple[str, int]:
    """The stem of automatic layer names, and the number that the first one bears, in the era that holds now."""
    era = config.era()
    stem = names.STEMS[era].get(class_name) or (class_name.lower() if era == 1 else snake(class_name))
    return stem, names.FIRST[era]


def snake(name: str) -> str:
    """'Conv2DTranspose' -> 'conv2d_transpose', as Keras spells layer names."""
    parts = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parts).lower()


def parameters(function: Callable) -> tuple[str, ...]:
    """The names that a function takes, `self` and variadic ones left out."""
    return _named(inspect.signature(function))


def _named(signature: inspect.Signature, keyword_only: bool = True) -> tuple[str, ...]:
    left_out = {_KINDS.VAR_POSITIONAL, _KINDS.VAR_KEYWORD} | (
        set() if keyword_only else {_KINDS.KEYWORD_ONLY}
    )
    return tuple(p.name for p in signature.parameters.values() if p.kind not in left_out and p.name != "self")


def _has(signature: inspect.Signature, kind) -> bool:
    return any(p.kind is kind for p in signature.parameters.values())


def accepted(owner: str, function: Callable) -> set[str]:
    """The names by which a function's arguments may be given in the era that holds now, old ones among them."""
    plan = _Plan(owner, config.era(), inspect.signature(function), None)
    return {*plan.own, *plan.arguments}


def _quoted(words: Iterable[str], link: str) -> str:
    return f" {link} ".join(f"`{word}`" for word in words)


# ---- translation ---------------------------------------------------------------------------------


class _Plan:
    """What the tables say about the arguments of one class or method in one era.

    Args:
        owner: class name, or "Class.method".
        signature: what it takes today.
        forwarded: the names that the signature's `**kwargs` may carry; None: any.
        ordered: the row of POSITIONS that holds, where it is another than the owner's.
    """

    def __init__(
        self,
        owner: str,
        era: int,
        signature: inspect.Signature,
        forwarded: Iterable | None,
        ordered: str | None = None,
    ):
        self.owner, self.era, self.own = owner, era, _named(signature)
        self.known = frozenset(self.own)
        closed = not _has(signature, _KINDS.VAR_KEYWORD)
        self.accepted = (
            None if forwarded is None and not closed else {*self.own, *(() if closed else forwarded)}
        )
        takes = set(self.own if self.accepted is None else self.accepted)
        rows = names.ARGUMENTS["*"], names.ARGUMENTS.get(owner, _NONE), names.METHODS.get(owner, _NONE)
        self.arguments = {
            old: new
            for row in rows
            for old, new in row.items()
            if old not in self.own and (new is None or new in takes)
        } | dict.fromkeys(names.INERT.get(era, _NONE).get(owner, ()))
        self.merged = {
            new: olds for new, olds in names.MERGED.get(owner, _NONE).items() if not takes & set(olds)
        }
        self.split = names.SPLIT.get(owner, _NONE)
        self.allowed = names.ALLOWED.get(owner, _NONE)
        self.order = names.POSITIONS.get(era, _NONE).get(ordered or owner)
        if self.order is None and not _has(signature, _KINDS.VAR_POSITIONAL):
            self.order = _named(signature, keyword_only=False)
        self.types, self.order_by_type = names.POSITIONS_BY_TYPE.get(era, _NONE).get(owner, ((), ()))
        self.old = {old for olds in self.merged.values() for old in olds} & set(self.order_by_type)
        self.sides = names.SIDES.get(owner, _NONE)
        self.values = {new: row for new, row in names.VALUES.items() if new in takes}
        defaults = names.DEFAULTS.get(era, _NONE).get(owner, _NONE)
        self.defaults = [(new, value) for new, value in defaults.items() if new in takes]
        self.shaped = "input_shape" in takes
        changing = self.values or self.sides or self.defaults or self.shaped or self.types
        self.leaves_own = not changing and self.order == self.own

    def leaves(self, args: tuple, kwargs: dict[str, Any]) -> bool:
        """Whether arguments stay as they are; asked first, since translating takes as long as a small model."""
        by_place, by_name = self.own[: len(args)], kwargs.keys()
        own = self.leaves_own and len(args) <= len(self.own)
        return own and by_name <= self.known and by_name.isdisjoint(by_place)

    def translate(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        if args:
            args, kwargs = self.place(args, kwargs)
        given = dict(kwargs)
        if self.shaped:
            self.shape(given)
        for old in given.keys() & self.split.keys():
            for new in self.split[old]:
                if new in given:
                    raise TypeError(f"{self.owner}: `{old}` is the old name of `{new}`; give one of them")
            given |= dict.fromkeys(self.split[old], given.pop(old))
        made = self.merge(given)
        said = {new: _quoted(self.merged[new], "and") for new in made}
        for old, value in given.items():
            new = self.today(old, value)
            if new is None:
                continue
            if new in made:
                first = said[new] if old == new else f"`{old}`"
                verb = "are the old names" if " and " in first else "is the old name"
                raise TypeError(f"{self.owner}: {first} {verb} of `{new}`; give one of them")
            made[new], said[new] = value, f"`{old}`"
        for new, value in self.defaults:
            if new not in made and names.RIVALS.get(new) not in made:
                made[new] = value
        for new in made.keys() & self.values.keys():
            value = made[new]
            if value is None or isinstance(value, str):
                made[new] = self.values[new].get(value, value)
        for new in made.keys() & self.sides.keys():
            made[new] = self.pair(self.sides[new], made[new])
        return args, made

    def pair(self, sides: tuple[str, ...], value):
        """Numbers by the names of their sides, or one after the other, as a pair for each axis."""
        if isinstance(value, dict):
            if unknown := [name for name in value if name not in sides]:
                raise TypeError(
                    f"{self.owner}: {_quoted(unknown, 'and')} is no side; there are {_quoted(sides, 'and')}"
                )
            value = tuple(value.get(name, 0) for name in sides)
        if not isinstance(value, tuple | list) or len(value) != len(sides):
            return value
        return tuple(zip(value[::2], value[1::2], strict=True)) if len(sides) > 2 else tuple(value)

    def place(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """Arguments given by their place, by name, in the order that the era had."""
        order = self.order
        by_type = self.types and len(args) >= len(self.types) and all(map(isinstance, args, self.types))
        if by_type or not self.old.isdisjoint(kwargs):
            order = self.order_by_type
        if order is None:
            return args, kwargs
        if len(args) > len(order):
            takes = (
                f"at most {len(order)} arguments by their place ({', '.join(order)})"
                if order
                else "only names"
            )
            raise TypeError(f"{self.owner} takes {takes} in era {self.era}; got {len(args)}")
        named = dict(zip(order, args, strict=False))
        for name in named.keys() & kwargs.keys():
            raise TypeError(f"{self.owner}: `{name}` is given twice, by its place and by its name")
        return (), named | kwargs

    def shape(self, given: dict[str, Any]) -> None:
        """Make one `input_shape` of `input_dim` and `input_length`; a shape that is given itself wins."""
        found = {
            name: given.pop(name, None) for name in ("input_dim", "input_length") if name not in self.own
        }
        dim, length = found.get("input_dim"), found.get("input_length")
        if given.keys() & _SHAPES:
            return
        if "input_dim" not in self.own:
            shape = None if dim is None else (length, dim) if self.owner in names.SEQUENCE_LAYERS else (dim,)
        else:
            shape = length if length is None or isinstance(length, tuple | list) else (length,)
        if shape is not None:
            given["input_shape"] = tuple(shape)

    def merge(self, given: dict[str, Any]) -> dict[str, Any]:
        """Take out the old arguments that are one today, as that one."""
        made = {}
        for new, olds in self.merged.items():
            there = [old for old in olds if old in given]
            if there and len(there) < len(olds):
                missing = _quoted([old for old in olds if old not in given], "and")
                raise TypeError(
                    f"{self.owner}: {_quoted(there, 'and')} given without {missing}; "
                    f"together they make what is now `{new}` (this is era {self.era})"
                )
            if there:
                made[new] = tuple(given.pop(old) for old in olds)
        return made

    def today(self, old: str, value) -> str | None:
        """Today's name of an argument; None where it has no meaning any more."""
        if old in self.own:
            return old
        if old in self.allowed and not any(value is each or value == each for each in self.allowed[old]):
            words = " or ".join(map(repr, self.allowed[old]))
            raise TypeError(f"{self.owner}: `{old}` may only be {words} here; got {value!r}")
        if old in self.arguments:
            return self.arguments[old]
        if self.accepted is None or old in self.accepted:
            return old
        close = difflib.get_close_matches(old, sorted(self.accepted | self.arguments.keys()), n=1)
        hint = f"Did you mean `{close[0]}`?" if close else f"It takes {', '.join(self.own)}."
        raise TypeError(f"{self.owner} has no argument `{old}`. {hint}")


def translate(
    owner: str,
    signature: inspect.Signature,
    args: tuple,
    kwargs: dict[str, Any],
    forwarded: Iterable | None = None,
) -> tuple[tuple, dict[str, Any]]:
    """Arguments as the era's programs give them, by name and in today's spelling.

    Args:
        owner: class name, or "Class.method".
        signature: what it takes today; `self` does not count.
        args, kwargs: what was given.
        forwarded: the names that the signature's `**kwargs` may carry; None: any.

    Raises TypeError for an argument that is unknown, given in two spellings, or given in part.

    Example:
        >>> import inspect
        >>> signature = inspect.signature(lambda units, **kwargs: None)
        >>> translate("Dense", signature, (), {"output_dim": 5})
        ((), {'units': 5})
    """
    return _Plan(owner, config.era(), signature, forwarded).translate(args, kwargs)


# ---- constructors ----------------------------------------------------------------------------------


class _Partial(dict):
    """The recorded arguments of a constructor that was given some without names (`*args`)."""


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith("cornu.")


@functools.cache
def _constructor_signature(cls: type) -> inspect.Signature:
    return inspect.signature(vars(cls)["__init__"])


@functools.cache
def _constructor_plan(built: type, cls: type, era: int) -> _Plan | None:
    """How `cls.__init__` is called while an object of class `built` is made; None: as it is, the class is a user's."""
    if not _is_ours(cls):
        return None
    owner = cls
    for each in reversed(built.__mro__[: built.__mro__.index(cls)]):
        if "__init__" in vars(each):
            break
        owner = each if _is_ours(each) else owner
    forwarded = {*getattr(owner, "inherited", ())}
    for each in cls.__mro__:
        if "__init__" in vars(each) and each is not object:
            signature = _constructor_signature(each)
            forwarded.update(_named(signature))
            if not _has(signature, _KINDS.VAR_KEYWORD):
                break
    any_name = "takes_any" in vars(cls)  # its **kwargs go to a function of the user's, say
    return _Plan(owner.__name__, era, _constructor_signature(cls), None if any_name else forwarded)


def constructor(cls: type, init: Callable) -> Callable:
    """A class's own `__init__` behind the border.

    Classes of the library understand old spellings. A user's class has its own words; it meets the border in its
    `super().__init__`. The outermost constructor leaves its arguments in `_arguments`, and the era in `_era`.
    """

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        plan = _constructor_plan(type(self), cls, config.era())
        if plan:
            args, kwargs = plan.translate(args, kwargs)
        known = vars(self).get("_arguments")
        if known is None or isinstance(known, _Partial):
            _record(self, cls, args, kwargs, known or {})
        init(self, *args, **kwargs)

    return __init__


def _record(self, cls: type, args: tuple, kwargs: dict[str, Any], known: dict[str, Any]) -> None:
    signature = _constructor_signature(cls)
    try:
        given = signature.bind(self, *args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{cls.__name__}: {error}") from None
    made = {}
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.kind is _KINDS.VAR_KEYWORD:
            made |= given.get(parameter.name, _NONE)
        elif parameter.name in given and parameter.kind is not _KINDS.VAR_POSITIONAL:
            made[parameter.name] = given[parameter.name]
    whole = dict if len(made) == len(args) + len(kwargs) else _Partial
    object.__setattr__(self, "_arguments", whole(made | known))
    object.__setattr__(self, "_era", config.era())


# ---- methods and functions -------------------------------------------------------------------------


def method(owner: str) -> Callable[[Callable], Callable]:
    """Decorator: a method, "Model.fit", or a function, "to_categorical", behind the border.

    Subclasses may have had an order of their own: `Sequential.compile` had another than `Model.compile`.

    Example:
        >>> @method("Model.fit")
        ... def fit(self, x=None, epochs=1):
        ...     return epochs
        >>> fit(None, nb_epoch=5)
        5
    """

    def decorate(function: Callable) -> Callable:
        signature = inspect.signature(function)
        bound = "self" in signature.parameters
        name = owner.rpartition(".")[2]

        @functools.cache
        def plan(cls: type, era: int) -> _Plan:
            rows = names.POSITIONS.get(era, _NONE)
            ordered = (f"{each.__name__}.{name}" for each in cls.__mro__)
            return _Plan(owner, era, signature, None, next((row for row in ordered if row in rows), None))

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            head, args = args[:bound], args[bound:]
            told = plan(type(head[0]) if head else object, config.era())
            if not told.leaves(args, kwargs):
                args, kwargs = told.translate(args, kwargs)
            return function(*head, *args, **kwargs)

        wrapper.plan = plan
        return wrapper

    return decorate


class _LayerPlan:
    """What the arguments of a layer's `call`, `build` or `compute_mask` come to in eras 1 and 2."""

    def __init__(self, function: Callable):
        takes = parameters(function)
        self.mask = mask = next((name for name in takes if name in ("mask", "previous_mask")), None)
        self.second_is_own = takes[1:2] in ((mask,), ("states",), ("initial_state_shape",))
        self.renamed = {old: takes[0] for old in names.FIRST_ARGUMENTS if takes and old not in takes}
        self.renamed |= {old: mask for old in names.MASK_ARGUMENTS if old not in takes}
        self.phase = takes.index("training") if "training" in takes else None
        self.order = names.POSITIONS[2]["RNN.call"] if takes[1:2] == ("initial_state",) else ()

    def translate(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        if len(args) == 2 and not self.second_is_own:
            args, kwargs = args[:1], {"mask": args[1], **kwargs}
        kwargs = {self.renamed.get(name, name): value for name, value in kwargs.items()}
        kwargs.pop(None, None)  # a mask that it takes no notice of
        return args, kwargs

    def placed(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """Arguments by name in the order of Keras 2's recurrent layers, which the third tells, as `training`."""
        if self.order and len(args) > 2 and isinstance(args[2], bool | None):
            return args[:1], dict(zip(self.order[1:], args[1:], strict=False)) | kwargs
        return args, kwargs

    def with_phase(self, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name with the phase that holds, where `super().call(x)` leaves it to be known."""
        if self.phase is None or len(args) > self.phase or kwargs.get("training") is not None:
            return kwargs
        return {**kwargs, "training": bool(scope.call.training)}


def layer_method(function: Callable) -> Callable:
    """Decorator: `call`, `build` or `compute_mask` of a layer of the library, behind the border.

    Keras 1 called them with `(x, mask)`, whatever they do with masks, and under other names; so do classes of that
    time in their `super().call(x, mask)`.
    """
    plan = _LayerPlan(function)

    @functools.wraps(function)
    def wrapper(self, *args, **kwargs):
        era = config.era()
        if plan.mask == "previous_mask" and "mask" in kwargs:  # as most layers of Keras call it in every era
            kwargs = {("previous_mask" if key == "mask" else key): value for key, value in kwargs.items()}
        if era == 1 and (kwargs or len(args) > 1):
            args, kwargs = plan.translate(args, kwargs)
        elif era == 2:
            args, kwargs = plan.placed(args, kwargs)
        return function(self, *args, **(kwargs if era == 3 else plan.with_phase(args, kwargs)))

    wrapper.plan = lambda cls, era: plan
    return wrapper


def bind(target: Callable, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """What the arguments of a call come to today, by name, without calling.

    Args:
        target: a class, or a function or method; of a method also the object or class comes first in `args`.

    Raises TypeError where the call cannot be meant in the era that holds.

    Example:
        >>> from cornu import layers
        >>> bind(layers.Dense, (), {"output_dim": 5})
        {'units': 5}
    """
    if inspect.isclass(target):
        cls = next(each for each in target.__mro__ if "__init__" in vars(each))
        plan = _constructor_plan(target, cls, config.era()) if _is_ours(cls) else None
        head, signature = (None,), inspect.signature(cls.__init__)
    else:
        signature = inspect.signature(target)
        count = int("self" in signature.parameters)
        head, args = args[:count], args[count:]
        owner = head[0] if head and inspect.isclass(head[0]) else type(head[0]) if head else object
        plan = target.plan(owner, config.era()) if hasattr(target, "plan") else None
    if plan is not None:
        args, kwargs = plan.translate(args, kwargs)
    bound = signature.bind(*head, *args, **kwargs).arguments
    made = {}
    for name, value in bound.items():
        if signature.parameters[name].kind is _KINDS.VAR_KEYWORD:
            made |= value
        elif name != "self":
            made[name] = value
    return made
