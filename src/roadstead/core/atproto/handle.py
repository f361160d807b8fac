"""Handles: domain names that name accounts (AT Protocol handle specification)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from roadstead.core.errors import InvalidName

MAX_LENGTH: Final = 253
"""Of any host name."""

LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""The pattern of one label of a host name in lower case (RFC 1035, section 2.3.1; RFC 1123, section 2.1)."""

_HANDLE: Final = re.compile(rf"(?:{LABEL}\.)+(?![0-9]){LABEL}")


@dataclass(frozen=True, slots=True)
class Handle:
    """A domain name in lower case, of two labels or more."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Handle:
        """The handle that `text` spells, in whatever case.

        Raises:
            InvalidName: not a handle.
        """
        lower = text.lower()
        # Letters beyond ASCII are refused: some become ASCII in lower case.
        if len(text) > MAX_LENGTH or not text.isascii() or not _HANDLE.fullmatch(lower):
            raise InvalidName(f"{text[:80]!r} is not a handle; expected a domain name, like alice.example.com")
        return cls(lower)

    @property
    def uri(self) -> str:
        """As a DID document's `alsoKnownAs` names it."""
        return f"at://{self.text}"

    def __str__(self) -> str:
        return self.text
