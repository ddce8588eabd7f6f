"""What holds while a layer is being called: learning phase, compute dtype, collected losses."""

import contextlib
import threading
import weakref
from collections.abc import Iterator

LOCK = threading.RLock()  # tracing swaps the values of shared cells: one thread at a time


class Call(threading.local):
    """The innermost layer call of this thread."""

    training: bool | None = None
    compute_dtype: str | None = None
    depth: int = 0
    number: int = 0  # of the outermost call, so that what belongs to one pass is known
    safe: bool = True  # files are held to what Keras writes, and code in them is not run
    room = None  # while something is loaded, what says how large its weights may become
    frozen: bool = (
        False  # a layer or model around it is not to be trained, which in era 2 stops moving averages
    )
    probing: bool = False  # shapes are being inferred: nothing that is computed may be kept
    size: int = 0  # what stands for a free size while shapes are being inferred
    written: list | None = None  # where it is a list, cells enter themselves as they are written
    read: list | None = None  # where it is a list, cells that were not lent enter themselves as they are read
    values: tuple[dict, ...] = ()  # of the graphs being computed, innermost last: id of a symbol -> array
    nodes: list | None = None  # of the graph whose values are at hand
    watch: object = None  # told what each layer is given and returns, by `debug.nan_guard`
    names: tuple[str, ...] = ()  # of the name scopes around, outermost first
    kept: dict | None = None  # where it is a dict, the model that is called leaves its graph's values in it


call = Call()


def computing() -> bool:
    """Whether operations compute what they say, rather than note it down: inside a call, and of a graph."""
    return bool(call.depth or call.probing or call.values)


@contextlib.contextmanager
def entered(**settings) -> Iterator[Call]:
    """Change some fields of `call` for the length of a `with`."""
    before = {name: getattr(call, name) for name in settings}
    for name, value in settings.items():
        setattr(call, name, value)
    try:
        yield call
    finally:
        for name, value in before.items():
            setattr(call, name, value)


# ---- masks -------------------------------------------------------------------------------------

_masks: dict = {}  # id of an array or symbol -> the mask that travels with it


def mask_of(x):
    """The mask that travels with an array or symbol, or None."""
    return _masks.get(id(x))


def set_mask(x, mask) -> None:
    """Let a mask travel with an array or symbol for as long as that lives; None takes it off."""
    if mask is None:
        _masks.pop(id(x), None)
    elif id(x) in _masks:
        _masks[id(x)] = mask
    else:
        _masks[id(x)] = mask
        weakref.finalize(x, _masks.pop, id(x), None).atexit = False
