"""The root of everything that is built from arguments: old spellings in, configuration out."""

import inspect
from typing import Any, Self

from . import config as settings
from . import registry, safety
from .eras import border

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Configurable:
    """An object whose configuration is read off its constructor's signature.

    A subclass writes its constructor and nothing else. `inherited` names the arguments that its `**kwargs`
    carries to the root constructor of its family.
    """

    inherited: tuple[str, ...] = ()
    transient: tuple[str, ...] = ()  # arguments that only say how to begin, and are kept in no configuration
    outside: tuple[str, ...] = ()  # arguments that may name a file or URL, which no configuration may
    _arguments: dict[str, Any] = {}  # what the constructor was given, kept by the border
    _era = 3  # the era it was built in

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = border.constructor(cls, cls.__init__)

    def present_arguments(self) -> dict[str, Any]:
        """The constructor's arguments as they stand now: attributes first, then what was given.

        Of a class with a `get_config` of its own, a user's, those of the library's class that it comes from: it adds
        the rest itself.
        """
        cls = self._told_by()
        own = cls is type(self)
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        kinds = _VARIADIC if own else (*_VARIADIC, inspect.Parameter.KEYWORD_ONLY)
        names = [p.name for p in parameters if p.kind not in kinds]
        if not own or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
            names += [*self.inherited, *(self._arguments if own else ())]
        held = vars(self)
        found = {}
        for name in dict.fromkeys(names):
            if name in self.transient:
                continue
            if name in held or name in self.inherited and hasattr(self, name):
                found[name] = getattr(self, name)
            elif name in self._arguments:
                found[name] = self._arguments[name]
            elif hasattr(self, name) and not callable(getattr(type(self), name, None)):
                found[name] = getattr(self, name)
        return found

    @classmethod
    def _told_by(cls) -> type:
        """The class whose constructor says what belongs into a configuration."""
        teller = next(each for each in cls.__mro__ if "get_config" in vars(each))
        if teller.__module__.startswith("cornu."):
            return cls
        below = cls.__mro__[cls.__mro__.index(teller) + 1 :]
        return next(each for each in below if each.__module__.startswith("cornu."))

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make another like this one, in plain data."""
        return {name: registry.serialize(value) for name, value in self.present_arguments().items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Another object of this class, from what `get_config` returned.

        Raises ValueError for one that names a file, which is opened for no configuration but a trusted one.
        """
        safety.names_no_file(cls, config)
        return cls(**{name: registry.revive(value) for name, value in config.items()})


class Named(Configurable):
    """An object whose configuration says its class too in era 1: `{"name": "NonNeg"}`."""

    def get_config(self) -> dict[str, Any]:
        made = super().get_config()
        return {"name": type(self).__name__, **made} if settings.era() == 1 else made

    def plain_config(self) -> dict[str, Any]:
        """The configuration without that, for files."""
        return {key: value for key, value in self.get_config().items() if key != "name"}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return super().from_config({key: value for key, value in config.items() if key != "name"})
