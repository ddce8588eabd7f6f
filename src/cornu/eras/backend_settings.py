"""`keras.backend`: settings, names, and what belonged to the engines of old."""

import contextlib
from collections.abc import Iterator

import jax

from .. import config, graph, scope
from . import sessions
from .backend_table import FUNCTIONS, entry, first, follow_all

FUNCTIONS |= {
    each.__name__: each
    for each in (
        config.backend,
        config.epsilon,
        config.floatx,
        config.image_data_format,
        config.set_image_data_format,
    )
}
FUNCTIONS |= follow_all({"e": {"set_epsilon": config.set_epsilon}})


@entry
def set_floatx(floatx):
    """Set the default float type; for 'float64' the engine is told to compute with 64 bits, until another is set."""
    config.set_floatx(floatx)
    compute_in(floatx)


def compute_in(floatx: str) -> None:
    """Let the engine have numbers of 64 bits where the default float type has, and only there."""
    jax.config.update("jax_enable_x64", floatx == "float64")


# ---- layouts -----------------------------------------------------------------------------------


@entry
def normalize_data_format(value):
    """`value`, or the default layout where it is None; ValueError for any other word."""
    return config.standardize_data_format(value)


ORDERINGS = {"channels_first": "th", "channels_last": "tf"}


@first
def image_dim_ordering():
    """The default image layout: 'tf' (channels last) or 'th' (channels first)."""
    return ORDERINGS[config.image_data_format()]


@first
def set_image_dim_ordering(dim_ordering):
    """Set the default image layout: 'tf' (channels last) or 'th' (channels first)."""
    config.set_image_data_format(layout(dim_ordering))


def layout(dim_ordering: str) -> str | None:
    """Today's word for 'tf' and 'th'; None for 'default'.

    Raises ValueError for any other.
    """
    words = {"default": None, **config.ORDERINGS, **{word: word for word in config.LAYOUTS}, None: None}
    if dim_ordering not in words:
        raise ValueError(f"dim_ordering: expected 'tf', 'th' or 'default'; got {dim_ordering!r}")
    return words[dim_ordering]


# ---- names -------------------------------------------------------------------------------------


@entry
def get_uid(prefix=""):
    """1 for the first that asks with a prefix, 2 for the next."""
    return int(graph.unique_name(prefix, first=1).rpartition("_")[2])


@entry
def reset_uids():
    """Start counting names anew."""
    graph.reset_names()


@entry
@contextlib.contextmanager
def name_scope(name) -> Iterator[str]:
    """Cells that are made in the `with` have this name before theirs in their path."""
    with scope.entered(names=(*scope.call.names, name)):
        yield name


# ---- sessions ----------------------------------------------------------------------------------


@entry
def clear_session_():
    """Start counting names anew, and let each call say the learning phase again."""
    clear_session()


def clear_session(free_memory=True):
    """Start counting names anew, and let each call say the learning phase again.

    `free_memory` is taken as Keras 3 takes it: what nothing holds any more is freed in any case.
    """
    graph.reset_names()
    config.set_learning_phase(None)


@entry
def manual_variable_initialization(value):
    """Variables have their values from the start; `value` can only be False.

    Raises ValueError for True.
    """
    if value:
        raise ValueError("K.manual_variable_initialization: variables have their values from the start here")


@entry
def v1_variable_initialization():
    """Nothing: variables have their values from the start."""


@entry
def get_session():
    """Raises NotImplementedError: there are no sessions."""
    raise NotImplementedError(f"K.get_session: {sessions.NO_SESSION}")


@entry
def set_session(session):
    """Warns, for a session that only has settings, that they have no effect; else raises NotImplementedError."""
    sessions.take(session)


@entry
def get_graph():
    """Raises NotImplementedError: graphs are made of symbols that know where they come from."""
    raise NotImplementedError(
        f"K.get_graph: symbols know themselves where they come from; {sessions.NO_SESSION}"
    )


@entry
@contextlib.contextmanager
def control_dependencies(control_inputs) -> Iterator[None]:
    """Nothing but a heading: updates inside a call are carried out in the order of the program."""
    yield


@entry
def symbolic(func):
    """`func` itself: on symbols functions are noted down anyway."""
    return func


@entry
def eager(func):
    """`func` itself: on arrays functions compute anyway."""
    return func


@first
def set_legacy_weight_ordering(value):
    """The order of trainable before other weights; `value` can only be False.

    Raises ValueError for True.
    """
    if value:
        raise ValueError(
            "K.set_legacy_weight_ordering: weights have one order here; a file's own is understood"
        )


@first
def legacy_weight_ordering():
    """False: weights have one order here."""
    return False
