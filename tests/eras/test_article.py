"""The programs of the article, in its spelling, run as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cornu

SOURCE = Path(cornu.__file__).parent.parent
PROGRAMS = sorted(Path(__file__).parents[2].joinpath("examples", "article").glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_article(program, tmp_path):
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "cornu", str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"
    assert len(done.stderr.splitlines()) == 1 and ": era 1 (Keras 1.2.2), told by " in done.stderr


def test_all_eight_are_here():
    assert [program.stem for program in PROGRAMS] == [
        *("activations", "initializations", "layers", "metrics", "models", "objectives", "optimizers"),
        "preprocessing",
    ]
