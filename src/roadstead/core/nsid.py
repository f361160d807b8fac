"""Namespaced identifiers: the names of collections and methods (AT Protocol NSID specification)."""

from __future__ import annotations

import re
from typing import Final, NewType

from roadstead.core.errors import InvalidRecord

Nsid = NewType("Nsid", str)
"""Text that `parse_nsid` has checked."""

MAX_LENGTH: Final = 317

_LABEL: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_NSID: Final = re.compile(rf"(?![0-9]){_LABEL}(?:\.{_LABEL})+\.[a-zA-Z][a-zA-Z0-9]{{0,62}}")
_MAX_AUTHORITY_LENGTH: Final = 253


def parse_nsid(text: str) -> Nsid:
    """`text`, e.g. `io.atcr.manifest`.

    Raises:
        InvalidRecord: not an NSID.
    """
    authority, _, _ = text.rpartition(".")
    if len(authority) > _MAX_AUTHORITY_LENGTH or len(text) > MAX_LENGTH or not _NSID.fullmatch(text):
        raise InvalidRecord(f"{text[:80]!r} is not an NSID; expected a reversed domain and a name, like io.atcr.tag")
    return Nsid(text)
