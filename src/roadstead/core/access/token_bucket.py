"""Limits on how often: a token bucket, kept as one number (the generic cell rate algorithm, ITU-T I.371, annex A).

A bucket holds `burst` tokens and gains `rate_per_s` of them. All that has to be kept is the moment at which it will
be full again: a full bucket's is past, and a taken token moves it on by the time that one takes to come back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may happen.

    Args:
        rate_per_s: for long.
        burst: at once, after a rest.
    """

    rate_per_s: float
    burst: int

    @property
    def interval_us(self) -> int:
        """The time in which one token comes back."""
        return max(1, round(SECOND_US / self.rate_per_s))


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer of a bucket.

    Args:
        full_at_us: what to keep.
        retry_after_s: 0 when a token was there and is taken; else whole seconds until there is one.
    """

    full_at_us: int
    retry_after_s: int


def take(limit: Limit, full_at_us: int, now_us: int) -> Taken:
    """Takes a token from the bucket that is full at `full_at_us`, if there is one."""
    full_at_us = sane(limit, full_at_us, now_us)
    after = full_at_us + limit.interval_us
    early_us = after - limit.burst * limit.interval_us - now_us
    if early_us > 0:
        return Taken(full_at_us, max(1, math.ceil(early_us / SECOND_US)))
    return Taken(after, 0)


def give_back(limit: Limit, full_at_us: int, now_us: int) -> int:
    """Puts a token back; what to keep."""
    return max(now_us, sane(limit, full_at_us, now_us) - limit.interval_us)


def sane(limit: Limit, full_at_us: int, now_us: int) -> int:
    """A moment that can be: not before now, nor later than an empty bucket takes to fill.

    A clock that was put back, or a limit that was raised, must not shut anybody out.
    """
    return min(max(full_at_us, now_us), now_us + limit.burst * limit.interval_us)
