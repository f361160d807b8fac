"""Events of `com.atproto.sync.subscribeRepos` (AT Protocol event stream and sync specifications, version 1.1).

Owns what an event says and how a frame is written and read. An event is made when its change is stored, and its frame
when its number in the stream is known. Numbering, keeping and sending are not done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import libipld

from roadstead.core.atproto.car import car_bytes
from roadstead.core.atproto.dagcbor import Value, decode_loosely, decode_map, encode
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.handle import Handle
from roadstead.core.atproto.repository import CommitResult, Head, RecordOp
from roadstead.core.errors import CorruptContent

MAX_FRAME_BYTES: Final = 5_000_000
"""The largest frame of an event stream (AT Protocol event stream specification)."""

_MESSAGE: Final = 1
_ERROR: Final = -1
_HEADERS: Final = {(_MESSAGE, True), (_ERROR, False)}
"""The operations, and whether they name a kind."""


@dataclass(frozen=True, slots=True)
class Event:
    """A message that has no number yet.

    Args:
        kind: `#commit`, `#sync`, `#identity` or `#account`.
        body: its payload in DAG-CBOR, without `seq`: what to keep until it is sent.
    """

    kind: str
    body: bytes

    def frame(self, seq: int) -> bytes:
        """The frame that sends this event as number `seq` of the stream."""
        payload = decode_loosely(self.body)
        if not isinstance(payload, dict):
            raise CorruptContent("an event of the firehose is no map")
        payload["seq"] = seq
        # libipld may write this, as none of our payloads' byte strings can begin as a CID does: a CAR begins with the
        # length of its header.
        return encode({"op": _MESSAGE, "t": self.kind}) + libipld.encode_dag_cbor(payload)


def commit_event(result: CommitResult, time: datetime) -> Event:
    """What a commit did, with the blocks that prove it.

    Args:
        time: when it was stored.
    """
    previous = result.previous
    payload: dict[str, Value] = {
        "repo": str(result.did),
        "commit": result.head.cid,
        "rev": str(result.head.rev),
        "since": str(previous.rev) if previous else None,
        "blocks": car_bytes(result.head.cid, result.diff),
        "ops": [_op(op) for op in result.ops],
        "blobs": list(result.blobs),
        "time": _text(time),
        # Both are required by the lexicon, and no longer mean anything.
        "rebase": False,
        "tooBig": False,
    }
    if previous:
        payload["prevData"] = previous.data
    return Event("#commit", encode(payload))


def sync_event(did: Did, head: Head, commit_block: bytes, time: datetime) -> Event:
    """A repository's state, whatever it was before: after an import, a repair, or for a reader who lost track."""
    blocks = car_bytes(head.cid, {head.cid: commit_block})
    return Event("#sync", encode({"did": str(did), "rev": str(head.rev), "blocks": blocks, "time": _text(time)}))


def identity_event(did: Did, handle: Handle | None, time: datetime) -> Event:
    """An account's handle, key or PDS may have changed: readers resolve it again."""
    payload: dict[str, Value] = {"did": str(did), "time": _text(time)}
    if handle is not None:
        payload["handle"] = str(handle)
    return Event("#identity", encode(payload))


def account_event(did: Did, time: datetime, *, status: str | None = None) -> Event:
    """Whether an account is hosted here.

    Args:
        status: why it is not: `takendown`, `suspended`, `deleted` or `deactivated`; `None`: it is.
    """
    payload: dict[str, Value] = {"did": str(did), "time": _text(time), "active": status is None}
    if status is not None:
        payload["status"] = status
    return Event("#account", encode(payload))


def info_frame(name: str, message: str) -> bytes:
    """A notice to one reader, e.g. `OutdatedCursor`; it has no number."""
    return encode({"op": _MESSAGE, "t": "#info"}) + encode({"name": name, "message": message})


def error_frame(error: str, message: str) -> bytes:
    """The last frame before the stream is closed, e.g. `FutureCursor` or `ConsumerTooSlow`."""
    return encode({"op": _ERROR}) + encode({"error": error, "message": message})


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was read.

    Args:
        kind: `#commit` and so on; empty for an error.
        payload: its fields.
    """

    kind: str
    payload: dict[str, Value]

    @classmethod
    def decode(cls, data: bytes) -> Frame:
        """The frame in a WebSocket message of any server's stream.

        Raises:
            CorruptContent: no frame, or too large.
        """
        try:
            header, *rest = libipld.decode_dag_cbor_multi(data[:MAX_FRAME_BYTES])
            operation, kind = header.get("op"), header.get("t", "")
            start = len(libipld.encode_dag_cbor(header))
        except (ValueError, RecursionError, AttributeError) as error:
            raise CorruptContent(f"a message of a firehose is no frame: {error}") from error
        # By its exact type: true and 1.0 are equal to 1, and a list cannot be looked up.
        is_header = type(operation) is int and isinstance(kind, str) and (operation, bool(kind)) in _HEADERS
        if len(rest) != 1 or not is_header:
            raise CorruptContent("a message of a firehose is no frame: its header is wrong")
        return cls(kind, decode_map(data[start:], max_bytes=MAX_FRAME_BYTES))


def _op(op: RecordOp) -> dict[str, Value]:
    fields: dict[str, Value] = {"action": op.action.value, "path": op.path, "cid": op.cid}
    if op.prev is not None:
        fields["prev"] = op.prev
    return fields


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
