"""`at://` URIs of repositories, collections and records (AT Protocol URI scheme, the restricted form of lexicons)."""

from __future__ import annotations

from dataclasses import dataclass

from roadstead.core.atproto.did import Did
from roadstead.core.atproto.handle import Handle
from roadstead.core.atproto.nsid import Nsid, parse_nsid
from roadstead.core.atproto.recordkey import RecordKey, parse_record_key
from roadstead.core.errors import InvalidRecord


@dataclass(frozen=True, slots=True)
class AtUri:
    """`at://AUTHORITY[/COLLECTION[/RKEY]]`."""

    authority: Did | Handle
    collection: Nsid | None = None
    rkey: RecordKey | None = None

    @classmethod
    def parse(cls, text: str) -> AtUri:
        """The URI that `text` spells.

        Raises:
            InvalidRecord: another scheme, more than two segments, a query or fragment, or a malformed segment.
            InvalidName: the authority is neither a DID nor a handle.
        """
        authority, *path = text.removeprefix("at://").split("/")
        if not text.startswith("at://") or len(path) > 2:
            raise InvalidRecord(f"{text[:160]!r} is not an AT URI; expected at://DID/COLLECTION/RKEY")
        return cls(
            Did.parse(authority) if authority.startswith("did:") else Handle.parse(authority),
            parse_nsid(path[0]) if path else None,
            parse_record_key(path[1]) if len(path) == 2 else None,
        )

    def __str__(self) -> str:
        return "/".join(["at:/", *(str(part) for part in (self.authority, self.collection, self.rkey) if part)])
