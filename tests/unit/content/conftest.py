from collections.abc import Iterator
from pathlib import Path

import pytest

from roadstead.content import libcrypto
from tests.rig.hold import Hold


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    with Hold(tmp_path / "data") as hold:
        yield hold


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Hold]:
    """Another process on the same folder, which does not wait for sessions that are open."""
    with Hold(tmp_path / "data", wait_s=0) as hold:
        yield hold


@pytest.fixture
def no_libcrypto(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python whose libcrypto cannot be reached."""
    monkeypatch.setattr(libcrypto, "_load", lambda _algorithm: None)
