"""The bucket's arithmetic, against the plain way of counting tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.core.access.token_bucket import SECOND_US, Limit, give_back, take

_NOW = 1_800_000_000 * SECOND_US


def test_a_burst_and_then_the_rate() -> None:
    limit, full_at_us = Limit(2.0, 3), 0
    for _ in range(3):
        taken = take(limit, full_at_us, _NOW)
        assert taken.retry_after_s == 0
        full_at_us = taken.full_at_us
    refused = take(limit, full_at_us, _NOW)
    assert refused.retry_after_s == 1
    assert refused.full_at_us == full_at_us
    assert take(limit, full_at_us, _NOW + SECOND_US // 2).retry_after_s == 0


def test_how_long_to_wait() -> None:
    limit = Limit(0.1, 1)
    full_at_us = take(limit, 0, _NOW).full_at_us
    assert take(limit, full_at_us, _NOW).retry_after_s == 10
    assert take(limit, full_at_us, _NOW + 9 * SECOND_US + 1).retry_after_s == 1
    assert take(limit, full_at_us, _NOW + 10 * SECOND_US).retry_after_s == 0


def test_what_is_given_back_can_be_taken_again() -> None:
    limit = Limit(0.01, 1)
    full_at_us = give_back(limit, take(limit, 0, _NOW).full_at_us, _NOW)
    assert take(limit, full_at_us, _NOW).retry_after_s == 0


@pytest.mark.parametrize("full_at_us", [0, 2**63, _NOW * 2])
def test_a_clock_that_was_put_back_shuts_nobody_out_for_long(full_at_us: int) -> None:
    limit = Limit(1.0, 5)
    assert take(limit, full_at_us, _NOW).retry_after_s <= 1


@given(
    rate_per_s=st.sampled_from([0.5, 1.0, 4.0, 8.0]),
    burst=st.integers(1, 20),
    pauses_ms=st.lists(st.integers(0, 3000), max_size=60),
)
def test_it_counts_as_a_bucket_of_tokens_does(rate_per_s: float, burst: int, pauses_ms: list[int]) -> None:
    limit, full_at_us, now_us = Limit(rate_per_s, burst), 0, _NOW
    tokens = float(burst)
    for pause_ms in pauses_ms:
        now_us += pause_ms * 1000
        tokens = min(float(burst), tokens + pause_ms / 1000 * rate_per_s)
        taken = take(limit, full_at_us, now_us)
        full_at_us = taken.full_at_us
        if abs(tokens - 1) > 1e-6:
            assert (taken.retry_after_s == 0) == (tokens >= 1)
        if taken.retry_after_s == 0:
            tokens = max(0.0, tokens - 1)
