"""What is settled before JAX starts: memory is kept between steps, programs between runs, and who computes."""

import ctypes
import os
import sys

import jax

# glibc's parameters of `mallopt`, and what they are set to
KEPT = {
    -4: 0,  # M_MMAP_MAX: large blocks come from the heap too, so they can be used again
    -1: 2**31 - 1,  # M_TRIM_THRESHOLD: the heap is not given back
    -8: 1,  # M_ARENA_MAX: one heap for all threads
}
ACCELERATORS = ("/dev/nvidiactl", "/dev/kfd", "/dev/accel0")  # files of their drivers
SECONDS = 0.1  # programs that took longer to compile are kept
BYTES = 2**30  # of them at most; the ones that were used last stay


def on_cpu() -> bool:
    """Whether JAX will compute on the CPU; asking JAX itself would start it."""
    asked = os.environ.get("JAX_PLATFORMS")
    return asked == "cpu" if asked else not any(map(os.path.exists, ACCELERATORS))


def keep_memory() -> None:
    """Have glibc keep freed memory for the next step, since page faults take up to half of a step's time.

    A process holds up to some hundred megabytes more for it. CORNU_KEEP_MEMORY=0 leaves glibc alone.
    """
    if os.environ.get("CORNU_KEEP_MEMORY") == "0" or sys.platform != "linux" or not on_cpu():
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    for parameter, value in KEPT.items() if mallopt else ():
        mallopt(parameter, value)


def keep_programs() -> None:
    """Have JAX keep compiled programs in `~/.cache/cornu`, unless it was told a place, or not to.

    JAX_COMPILATION_CACHE_DIR and JAX_ENABLE_COMPILATION_CACHE=0 tell it.
    """
    if jax.config.jax_compilation_cache_dir or not jax.config.jax_enable_compilation_cache:
        return
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(cache, "cornu", "programs")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:  # a home that can't be written to: every run compiles
        return
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_compilation_cache_max_size", BYTES)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", SECONDS)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def compute_at_once() -> None:
    """Have JAX compute on the CPU in the thread that asks, unless JAX_CPU_ENABLE_ASYNC_DISPATCH says otherwise.

    Handing a program over to another thread and waiting for it takes longer than a small model does.
    """
    if on_cpu() and "JAX_CPU_ENABLE_ASYNC_DISPATCH" not in os.environ:
        jax.config.update("jax_cpu_enable_async_dispatch", False)


keep_memory()
keep_programs()
compute_at_once()
