"""What the machine can do at most, measured in JAX: the ceiling that each workload is held against."""

import importlib.metadata
import os
import platform
import time

import numpy as np

ROUNDS = 5
PACKAGES = ("cornu", "keras", "jax", "jaxlib", "tensorflow-cpu", "torch", "keras-preprocessing", "numpy")


def best(work, *given) -> float:
    """Seconds of the fastest call after the first."""
    import jax

    jax.block_until_ready(work(*given))
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        jax.block_until_ready(work(*given))
        times.append(time.perf_counter() - start)
    return min(times)


def measure() -> dict:
    """Gflop/s of a float32 product, GB/s of a sum over memory, dropout's random numbers, one dispatch."""
    import jax
    import jax.numpy as jnp

    size, long, drawn = 2048, 2**26, 2**22
    square = jnp.asarray(np.random.default_rng(0).normal(size=(size, size)).astype("float32"))
    line, key = jnp.ones(long), jax.random.key(0)
    product = best(jax.jit(jnp.matmul), square, square)
    passes = best(jax.jit(lambda x, y: 2 * x + y), line, line)
    random = best(jax.jit(lambda key: jax.random.bernoulli(key, 0.5, (drawn,))), key)
    step = jax.jit(lambda x: x + 1)

    def hundred(x):
        for _ in range(100):
            x = step(x)
        return x

    return {
        "gflops": 2 * size**3 / product / 1e9,
        "gb_s": 3 * 4 * long / passes / 1e9,
        "random_ns": random / drawn * 1e9,
        "dispatch_us": best(hundred, jnp.ones(4)) / 100 * 1e6,
    }


def processor() -> str:
    """Its name, as the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def description() -> dict:
    """What a reader must know to compare: machine, cores, system, day."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(memory_gb()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "load_before": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    """Of the packages that this environment has."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
