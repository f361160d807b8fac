"""Buckets in shared memory: one for all processes, and no lie when there are more clients than places."""

import subprocess
import sys
from pathlib import Path

import pytest

from roadstead.auth.rate_limit import PLACES, SETS, RateLimits
from roadstead.core.access.token_bucket import Limit
from roadstead.core.errors import TooManyRequests
from tests.unit.auth.rig import Clock

_THREE = Limit(1.0, 3)


def _takes(limits: RateLimits, whom: str, purpose: str = "requests", limit: Limit = _THREE) -> bool:
    try:
        limits.take(purpose, whom, limit)
    except TooManyRequests:
        return False
    return True


def test_a_burst_then_the_rate_for_each_of_its_own(tmp_path: Path) -> None:
    clock = Clock()
    limits = RateLimits(tmp_path / "limits", clock)
    assert [_takes(limits, "a") for _ in range(4)] == [True, True, True, False]
    assert _takes(limits, "b")
    assert _takes(limits, "a", "failed logins")
    clock.now_s += 1
    assert [_takes(limits, "a") for _ in range(2)] == [True, False]
    limits.give_back("requests", "a", _THREE)
    assert _takes(limits, "a")
    limits.close()


def test_no_limit(tmp_path: Path) -> None:
    limits = RateLimits(tmp_path / "limits", Clock())
    assert all(_takes(limits, "a", limit=Limit(0, 1)) for _ in range(100))
    limits.give_back("requests", "a", Limit(0, 1))
    limits.close()


def test_processes_share_the_buckets(tmp_path: Path) -> None:
    limits = RateLimits(tmp_path / "limits")
    slow = Limit(0.001, 3)
    assert _takes(limits, "a", limit=slow)
    program = (
        "import sys; from pathlib import Path\n"
        "from roadstead.auth.rate_limit import RateLimits; from roadstead.core.access.token_bucket import Limit\n"
        "limits = RateLimits(Path(sys.argv[1])); limit = Limit(0.001, 3)\n"
        "limits.take('requests', 'a', limit); limits.take('requests', 'a', limit)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "limits")], check=True)
    assert not _takes(limits, "a", limit=slow)
    limits.close()


def test_newcomers_take_the_places_of_full_buckets(tmp_path: Path) -> None:
    """Whoever is over a limit stays so while a crowd passes by that is not."""
    clock = Clock()
    limits = RateLimits(tmp_path / "limits", clock)
    slow = Limit(0.001, 100)
    while _takes(limits, "guilty", limit=slow):
        pass
    for number in range(2 * SETS * PLACES):
        limits.take("requests", str(number), Limit(1000.0, 100))
    assert not _takes(limits, "guilty", limit=slow)
    limits.close()


@pytest.mark.parametrize("whom", ["", "é\ud800", "x" * 10_000, "\0"])
def test_anybody_has_a_bucket(whom: str, tmp_path: Path) -> None:
    limits = RateLimits(tmp_path / "limits", Clock())
    assert [_takes(limits, whom) for _ in range(4)] == [True, True, True, False]
    limits.close()
