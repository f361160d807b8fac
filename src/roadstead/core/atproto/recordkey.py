"""Record keys: a record's name within its collection (AT Protocol record key specification)."""

from __future__ import annotations

import re
from typing import Final, NewType

from roadstead.core.errors import InvalidRecord

RecordKey = NewType("RecordKey", str)
"""Text that `parse_record_key` has checked."""

_RECORD_KEY: Final = re.compile(r"[A-Za-z0-9._~:-]{1,512}")


def parse_record_key(text: str) -> RecordKey:
    """`text`, if it is a record key.

    Raises:
        InvalidRecord: it is none.
    """
    if not _RECORD_KEY.fullmatch(text) or text in (".", ".."):
        raise InvalidRecord(f"{text[:80]!r} is not a record key; expected 1 to 512 of A-Z a-z 0-9 . - _ : ~")
    return RecordKey(text)
