"""What a session's folder says beside its bytes: how far they count, and the hash until there.

Two slots in one file are written in turn, each with a checksum, so that a reader, or who comes after a kill, finds the
last one or the one before. They are not renamed into place: ext4 writes a file out that is renamed over another, which
costs milliseconds. Nor are they synced: `boot_id` tells whether the machine has been up since.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from roadstead.content.durable import write_all
from roadstead.core.oci.digest import DEFAULT_ALGORITHM

_NAME: Final = "state"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

_SLOT_BYTES: Final = 2048
"""Room for a state with both algorithms' digests; two are one page."""

_HEAD: Final = struct.Struct("=II")
"""The checksum (CRC-32) and the length of the JSON that follows."""

SYNCED: Final = "synced"
"""The `boot_id` of a state whose bytes were synced before it was written: it counts whatever crashed since."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One session's state.

    Args:
        algorithm: of the hash that runs along.
        offset: how many of the file's bytes count.
        hash_state: what `Hasher.resume` continues from; empty where it cannot.
        boot_id: of the machine's run in which this was written, or `SYNCED`; empty where it has none.
        published: digests under which the bytes may lie in the store without the index knowing it.
        closed: nobody may continue the session; only a sweep still needs it.
        turn: counts the states of a session.
    """

    algorithm: str
    offset: int = 0
    hash_state: bytes = b""
    boot_id: str = ""
    published: tuple[str, ...] = ()
    closed: bool = False
    turn: int = 0

    @classmethod
    def load(cls, folder: Path) -> State | None:
        """The state in a session's folder; None if there is none.

        One that a machine's crash has left unreadable counts all bytes there are and trusts none of them.
        """
        try:
            content = (folder / _NAME).read_bytes()
        except FileNotFoundError:
            return None
        unreadable = cls(algorithm=DEFAULT_ALGORITHM, offset=2**63 - 1, turn=-1)
        return max(_states(content), key=lambda state: state.turn, default=unreadable)

    def save(self, folder: Path) -> None:
        """Makes this the folder's state."""
        body = msgspec.json.encode(self)
        file = os.open(folder / _NAME, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            write_all(file, [_HEAD.pack(zlib.crc32(body), len(body)), body], self.turn % 2 * _SLOT_BYTES)
        finally:
            os.close(file)


def _states(content: bytes) -> Iterator[State]:
    """The states in the slots that are whole."""
    for start in (0, _SLOT_BYTES):
        head = content[start : start + _HEAD.size]
        if len(head) == _HEAD.size:
            checksum, length = _HEAD.unpack(head)
            body = content[start + _HEAD.size : start + _HEAD.size + length]
            if body and zlib.crc32(body) == checksum:
                yield msgspec.json.decode(body, type=State)


def saved_at_ns(folder: Path) -> int:
    """When the folder's state was last saved, in nanoseconds since 1970; of a folder without one, its own age."""
    try:
        return (folder / _NAME).stat().st_mtime_ns
    except FileNotFoundError:
        return folder.stat().st_mtime_ns


def forget(folder: Path) -> None:
    """Removes the folder's state: the session is no more."""
    (folder / _NAME).unlink(missing_ok=True)


def boot_id() -> str:
    """Names this run of the machine; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
