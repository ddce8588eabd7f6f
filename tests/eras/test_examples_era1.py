"""Programs in the idioms of 2015 to 2017, run as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cornu

SOURCE = Path(cornu.__file__).parent.parent
FOLDER = Path(__file__).parents[2].joinpath("examples", "era1")
NAMES = sorted(program.stem for program in FOLDER.glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_program(name, tmp_path):
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "cornu", str(FOLDER / f"{name}.py")],
        cwd=tmp_path,
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
