"""Programs in the idioms of 2015 to 2017, run as they are."""

import pytest

from tests.eras.programs import EXAMPLES, assert_runs_in_era_1

NAMES = sorted(program.stem for program in EXAMPLES.joinpath("era1").glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_program(name, tmp_path):
    assert_runs_in_era_1(EXAMPLES / "era1" / f"{name}.py", tmp_path)
