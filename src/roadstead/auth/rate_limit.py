"""Limits for clients, shared by all worker processes of the machine.

The buckets lie in one mapped file of a fixed size, found by a hash of whom they are for. A set has a few places;
a newcomer takes the place of whose bucket is fullest, which for nearly all is a full one: nothing is lost.

There is no lock. Two processes that take from one bucket at the same moment may count one token for both, which a
limit can bear; a number is read and written whole, so that nothing worse can come of it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from roadstead.core.access.token_bucket import SECOND_US, Limit, give_back, take
from roadstead.core.errors import TooManyRequests
from roadstead.index.mapped import mapped

SETS: Final = 16_384
PLACES: Final = 4
WORD_BYTES: Final = 8
FILE_BYTES: Final = SETS * PLACES * 2 * WORD_BYTES
"""1 MiB for 65,536 clients: each place has a tag and the moment at which its bucket is full."""

UNLIMITED: Final = 0.0


class RateLimits:
    """The buckets of one machine.

    Args:
        file: made when it is missing; the folder has to be there.
        clock: seconds since 1970.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._map = mapped(file, FILE_BYTES)
        self._words = memoryview(self._map).cast("Q")

    def take(self, purpose: str, whom: str, limit: Limit) -> None:
        """Takes a token.

        Args:
            purpose: what is limited: each has buckets of its own.
            whom: a client's address, and what else it is limited by.

        Raises:
            TooManyRequests: there is none left.
        """
        if limit.rate_per_s == UNLIMITED:
            return
        now_us = self._now_us()
        place, tag = self._place(purpose, whom)
        taken = take(limit, self._full_at_us(place, tag), now_us)
        self._keep(place, tag, taken.full_at_us)
        if taken.retry_after_s:
            raise TooManyRequests(_said(limit, purpose), retry_after_s=taken.retry_after_s)

    def give_back(self, purpose: str, whom: str, limit: Limit) -> None:
        """Puts a token back that was taken for nothing."""
        if limit.rate_per_s == UNLIMITED:
            return
        place, tag = self._place(purpose, whom)
        self._keep(place, tag, give_back(limit, self._full_at_us(place, tag), self._now_us()))

    def close(self) -> None:
        """Unmaps the file."""
        self._words.release()
        self._map.close()

    def _now_us(self) -> int:
        return int(self._clock() * SECOND_US)

    def _place(self, purpose: str, whom: str) -> tuple[int, int]:
        """The index of the tag's word, and the tag: the place that has it already, or the one to give up."""
        hashed = hashlib.blake2b(f"{purpose}\0{whom}".encode(errors="replace"), digest_size=16).digest()
        first = int.from_bytes(hashed[:8], "little") % SETS * PLACES * 2
        tag = int.from_bytes(hashed[8:], "little")
        places = range(first, first + PLACES * 2, 2)
        for place in places:
            if self._words[place] == tag:
                return place, tag
        return min(places, key=lambda place: self._words[place + 1]), tag

    def _full_at_us(self, place: int, tag: int) -> int:
        return self._words[place + 1] if self._words[place] == tag else 0

    def _keep(self, place: int, tag: int, full_at_us: int) -> None:
        self._words[place + 1] = full_at_us
        self._words[place] = tag


def _said(limit: Limit, purpose: str) -> str:
    return f"too many {purpose}: {limit.burst} at once and {limit.rate_per_s:g} a second are allowed"
