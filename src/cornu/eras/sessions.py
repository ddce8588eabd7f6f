"""TensorFlow's sessions, for programs that only say with them how much memory and how many threads they want."""

import warnings

NO_SESSION = (
    "there are no sessions here: K.function and K.eval compute what a session would, "
    "and K.get_value and K.set_value read and write variables"
)
SETTLED = (
    "K.set_session: memory and threads are JAX's to settle; what the session says of them has no effect. "
    "The environment variable XLA_PYTHON_CLIENT_MEM_FRACTION sets the share of a card's memory"
)


class Settings:
    """What `tf.ConfigProto` and `tf.GPUOptions` were: keeps whatever it is told.

    Example:
        >>> settings = Settings(log_device_placement=False)
        >>> settings.gpu_options.allow_growth = True
    """

    def __init__(self, **said):
        vars(self).update(said)

    def __getattr__(self, name: str) -> "Settings":
        if name.startswith("__"):
            raise AttributeError(name)
        return vars(self).setdefault(name, Settings())


class Session:
    """A session that holds settings, and computes nothing."""

    def __init__(self, target: str = "", graph=None, config: Settings | None = None):
        self.config = config

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *error) -> None:
        """Nothing to close."""

    def close(self) -> None:
        """Nothing to close."""

    def as_default(self) -> "Session":
        """The session itself."""
        return self

    def run(self, *args, **kwargs):
        """Raises NotImplementedError."""
        raise NotImplementedError(f"Session.run: {NO_SESSION}")


STAND_INS = {"ConfigProto": Settings, "GPUOptions": Settings, "Session": Session}  # in eras 1 and 2
PLACES = {f"tensorflow{part}.{name}": each for part in ("", ".compat.v1") for name, each in STAND_INS.items()}


def take(session) -> None:
    """`K.set_session`: a word about what has no effect; NotImplementedError for anything but such a session."""
    if not isinstance(session, Session):
        raise NotImplementedError(f"K.set_session: {NO_SESSION}")
    warnings.warn(SETTLED, stacklevel=4)
