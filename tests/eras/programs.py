"""Runs a program of the examples as a user would, and holds it to what they all say."""

import os
import subprocess
import sys
from pathlib import Path

import cornu

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCE = Path(cornu.__file__).parent.parent


def assert_runs_in_era_1(program: Path, folder: Path) -> None:
    """It ends well, with "done", and its one line on stderr tells the era."""
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "cornu", str(program)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"
    assert len(done.stderr.splitlines()) == 1 and ": era 1 (Keras 1.2.2), told by " in done.stderr, (
        done.stderr
    )
