"""Timestamp identifiers (AT Protocol TID specification): record keys and revisions that sort by time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from roadstead.core.errors import InvalidRecord

MAX_CLOCK_ID: Final = 1023
_ALPHABET: Final = "234567abcdefghijklmnopqrstuvwxyz"
_TEXT: Final = re.compile(r"[234567abcdefghij][234567a-z]{12}")
_CLOCK_ID_BITS: Final = 10
_MAX_MICROSECONDS: Final = (1 << 53) - 1


@dataclass(frozen=True, slots=True, order=True)
class Tid:
    """13 characters of sortable base32: 53 bits of microseconds since 1970, 10 bits that tell writers apart."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Tid:
        """
        Raises:
            InvalidRecord: not a TID.
        """
        if not _TEXT.fullmatch(text):
            raise InvalidRecord(f"{text[:40]!r} is not a TID; expected 13 characters of sortable base32")
        return cls(text)

    @classmethod
    def of(cls, microseconds: int, clock_id: int) -> Tid:
        """The TID of a moment.

        Args:
            microseconds: since 1970-01-01 UTC.
            clock_id: 0 to 1023, one for each writer.

        Raises:
            InvalidRecord: one of the two is out of range.
        """
        if not 0 <= microseconds <= _MAX_MICROSECONDS or not 0 <= clock_id <= MAX_CLOCK_ID:
            raise InvalidRecord(f"no TID has {microseconds} µs and clock id {clock_id}")
        number = microseconds << _CLOCK_ID_BITS | clock_id
        return cls("".join(_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5)))

    @classmethod
    def after(cls, previous: Tid | None, microseconds: int, clock_id: int) -> Tid:
        """The TID of now, or the first one after `previous` where the clock has not moved past it."""
        if previous is not None and previous.microseconds >= microseconds:
            microseconds = previous.microseconds + 1
        return cls.of(microseconds, clock_id)

    @property
    def microseconds(self) -> int:
        """Since 1970-01-01 UTC."""
        return self._number >> _CLOCK_ID_BITS

    @property
    def clock_id(self) -> int:
        return self._number & MAX_CLOCK_ID

    @property
    def _number(self) -> int:
        number = 0
        for character in self.text:
            number = number << 5 | _ALPHABET.index(character)
        return number

    def __str__(self) -> str:
        return self.text
