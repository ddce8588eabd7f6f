"""The programs of the article, in its spelling, run as they are."""

import pytest

from tests.eras.programs import EXAMPLES, assert_runs_in_era_1

PROGRAMS = sorted(EXAMPLES.joinpath("article").glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_article(program, tmp_path):
    assert_runs_in_era_1(program, tmp_path)


def test_all_eight_are_here():
    assert [program.stem for program in PROGRAMS] == [
        *("activations", "initializations", "layers", "metrics", "models", "objectives", "optimizers"),
        "preprocessing",
    ]
