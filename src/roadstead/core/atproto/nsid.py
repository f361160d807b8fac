"""Namespaced identifiers: the names of collections and methods (AT Protocol NSID specification)."""

from __future__ import annotations

import re
from typing import Final, NewType

from roadstead.core.atproto import handle
from roadstead.core.errors import InvalidRecord

Nsid = NewType("Nsid", str)
"""Text that `parse_nsid` has checked."""

MAX_LENGTH: Final = 317

_NSID: Final = re.compile(
    rf"(?![0-9]){handle.LABEL}(?:\.{handle.LABEL})+\.[a-z][a-z0-9]{{0,62}}", re.ASCII | re.IGNORECASE
)


def parse_nsid(text: str) -> Nsid:
    """`text`, e.g. `io.atcr.manifest`.

    Raises:
        InvalidRecord: not an NSID.
    """
    authority, _, _ = text.rpartition(".")
    if len(authority) > handle.MAX_LENGTH or len(text) > MAX_LENGTH or not _NSID.fullmatch(text):
        raise InvalidRecord(f"{text[:80]!r} is not an NSID; expected a reversed domain and a name, like io.atcr.tag")
    return Nsid(text)
