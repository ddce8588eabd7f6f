"""A home of one's own, and a site to download from."""

import pytest

from tests.utils import loopback


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def site():
    with loopback.serve() as site:
        yield site
