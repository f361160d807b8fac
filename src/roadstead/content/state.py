"""What a session's folder says beside its bytes: how far they count, and the hash until there.

The file is JSON and renamed into place. It is not synced: `boot_id` tells whether the machine has been up since.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from roadstead.content.durable import write_all
from roadstead.core.digest import DEFAULT_ALGORITHM

_NAME: Final = "state"
_NEW: Final = "state.new"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

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
    """

    algorithm: str
    offset: int = 0
    hash_state: bytes = b""
    boot_id: str = ""
    published: tuple[str, ...] = ()
    closed: bool = False

    @classmethod
    def load(cls, folder: Path) -> State | None:
        """The state in a session's folder; None if there is none.

        One that a machine's crash has left unreadable counts all bytes there are and trusts none of them.
        """
        try:
            return msgspec.json.decode((folder / _NAME).read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            return cls(algorithm=DEFAULT_ALGORITHM, offset=2**63 - 1)

    def save(self, folder: Path) -> None:
        """Puts this in the place of the folder's state, atomically."""
        new = folder / _NEW
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            write_all(file, [msgspec.json.encode(self)], 0)
        finally:
            os.close(file)
        new.replace(folder / _NAME)


def forget(folder: Path) -> None:
    """Removes the folder's state: the session is no more."""
    for name in (_NAME, _NEW):
        (folder / name).unlink(missing_ok=True)


def boot_id() -> str:
    """Names this run of the machine; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
