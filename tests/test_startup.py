"""What an import settles, seen from fresh processes."""

import os
import subprocess
import sys
import textwrap

import pytest

COMPILES = """
    import cornu, numpy as np
    model = cornu.Sequential([cornu.Input((5, 4)), cornu.layers.LSTM(8), cornu.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 5, 4)), np.ones((8, 1)), verbose=0)
"""
FAULTS = """
    import resource
    import cornu, jax, jax.numpy as jnp
    double = jax.jit(lambda x: x * 2)
    x = jnp.ones((4096, 4096))
    for _ in range(60):  # by then the heap is large enough
        double(x).block_until_ready()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(40):
        double(x).block_until_ready()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_the_memory_of_a_step_serves_the_next_one():
    """64 MiB a call are 16,384 pages, which the system gives out again each time."""
    given_back = int(run(FAULTS, CORNU_KEEP_MEMORY="0"))
    assert given_back > 40 * 8192
    assert int(run(FAULTS)) < given_back / 2


def test_compiled_programs_are_kept_for_the_next_process(tmp_path):
    home = {"XDG_CACHE_HOME": str(tmp_path), "JAX_COMPILATION_CACHE_DIR": ""}
    kept = tmp_path / "cornu" / "programs"
    run(COMPILES, **home)
    first = {file.name for file in kept.iterdir() if file.name.endswith("-cache")}
    assert any("span" in name for name in first)
    assert kept.stat().st_mode & 0o077 == 0  # nobody else may put programs there
    run(COMPILES, **home)
    assert {file.name for file in kept.iterdir() if file.name.endswith("-cache")} == first


@pytest.mark.parametrize(
    "told", [{"JAX_COMPILATION_CACHE_DIR": "{}/elsewhere"}, {"JAX_ENABLE_COMPILATION_CACHE": "0"}]
)
def test_a_place_of_the_users_own_or_none(tmp_path, told):
    told = {name: value.format(tmp_path) for name, value in told.items()}
    run("import cornu", XDG_CACHE_HOME=str(tmp_path), **told)
    assert not (tmp_path / "cornu").exists()


def test_a_home_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    run(COMPILES, XDG_CACHE_HOME=str(tmp_path / "file"), JAX_COMPILATION_CACHE_DIR="")


def test_an_import_starts_no_device():
    run("import cornu; from jax._src import xla_bridge; assert not xla_bridge._backends")
