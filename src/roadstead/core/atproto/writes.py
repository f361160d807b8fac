"""Writes to the records of a repository, as one commit takes them (`com.atproto.repo.applyWrites` and its siblings).

Owns what a write asks for, what is wrong with a list of them whatever the repository holds, and how many go together.
What they do to a repository is decided in `roadstead.core.atproto.repository`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import Value, encode
from roadstead.core.atproto.nsid import Nsid
from roadstead.core.atproto.recordkey import RecordKey
from roadstead.core.errors import InvalidRecord

MAX_WRITES: Final = 200
MAX_RECORD_BYTES: Final = 1_000_000
"""Limits of one commit on the firehose (AT Protocol sync specification)."""

BATCH_RECORDS: Final = 100
BATCH_BYTES: Final = 1_000_000
"""How much of many records is written by one commit: well below its limits."""

Named: TypeAlias = tuple[str, Mapping[str, Any]]
"""A record with its key."""


class Action(Enum):
    """What a write does. The first three are those of `com.atproto.repo.applyWrites`."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    PUT = "put"
    """Create or update, whichever fits: `putRecord`."""
    DISCARD = "discard"
    """Delete what may not be there: `deleteRecord`."""


class Anything(Enum):
    """The absence of an expectation, where `None` already means: no record."""

    ANYTHING = "anything"


ANYTHING: Final = Anything.ANYTHING


@dataclass(frozen=True, slots=True)
class Write:
    """One record's change.

    Args:
        record: with its `$type`; `None` where it goes.
        swap_record: the CID that the record has to have now; `None`: it must not exist.
    """

    action: Action
    collection: Nsid
    rkey: RecordKey
    record: Mapping[str, Value] | None = None
    swap_record: Cid | Anything | None = ANYTHING

    @classmethod
    def put(cls, collection: str, rkey: str, record: Mapping[str, Any]) -> Write:
        """Puts a record, whatever was there, under names that this server made or has checked."""
        return cls(Action.PUT, Nsid(collection), RecordKey(rkey), record)

    @classmethod
    def discard(cls, collection: str, rkey: str) -> Write:
        """Deletes a record, if it is there."""
        return cls(Action.DISCARD, Nsid(collection), RecordKey(rkey))

    @property
    def path(self) -> str:
        """The record's key in the tree."""
        return f"{self.collection}/{self.rkey}"

    def block(self) -> bytes | None:
        """The record's block; `None` where it goes.

        Raises:
            InvalidRecord: outside the data model, without its collection as `$type`, too large, or missing where the
                action needs it (or there where it does not).
        """
        goes = self.action in (Action.DELETE, Action.DISCARD)
        if goes != (self.record is None):
            raise InvalidRecord(f"the write to {self.path} has to come {'without' if goes else 'with'} a record")
        if self.record is None:
            return None
        if self.record.get("$type") != self.collection:
            raise InvalidRecord(f"the record at {self.path} needs `$type`: {self.collection}")
        block = encode(self.record)
        if len(block) > MAX_RECORD_BYTES:
            raise InvalidRecord(f"the record at {self.path} is larger than {MAX_RECORD_BYTES} bytes")
        return block


def blocks_of(writes: Sequence[Write]) -> dict[str, bytes | None]:
    """The block that each write gives its path.

    Raises:
        InvalidRecord: a write is malformed, two are to one record, or they are too many.
    """
    if len(writes) > MAX_WRITES:
        raise InvalidRecord(f"{len(writes)} writes are too many for one commit; expected at most {MAX_WRITES}")
    blocks = {write.path: write.block() for write in writes}
    if len(blocks) != len(writes):
        raise InvalidRecord("two writes of one commit are to the same record")
    return blocks


def batches(records: Iterable[Named]) -> Iterator[list[Named]]:
    """Records, as many together as one commit can write. They are taken one at a time."""
    batch: list[Named] = []
    size_bytes = 0
    for rkey, value in records:
        length = len(encode(value))
        if batch and (len(batch) == BATCH_RECORDS or size_bytes + length > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append((rkey, value))
        size_bytes += length
    if batch:
        yield batch
