"""Generation numbers: how a worker knows that another worker changed a repository.

One small file, mapped by every process of the machine, holds a slot of eight bytes for each group of repositories.
After its commit and before its answer, a write puts a fresh random number into the slots of what it changed. Who
keeps something in memory keeps it with the number it read *before* asking SQL; another number means: ask again.

A random number instead of a count, so that two processes may write at once without a lock: all that matters is
that it differs. A process killed between commit and advance has acknowledged nothing; caches are bounded by
`MAX_AGE_S` as well, for that and for replicas on other machines.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from roadstead.index.mapped import mapped

SLOTS: Final = 4096
SLOT_BYTES: Final = 8

MAX_AGE_S: Final = 1.0
"""How long anything that can change may be believed without asking SQL, whatever its generation says."""

EVERYTHING: Final = -1
"""In place of a repository's id: accounts, hosts, keys. It has a slot of its own."""

FIREHOSE: Final = -2
"""In place of a repository's id: the firehose has a new event."""


class Generation:
    """The generation numbers of one data folder.

    Args:
        file: made when it is missing; the folder has to be there.
    """

    def __init__(self, file: Path) -> None:
        size = (SLOTS + 2) * SLOT_BYTES
        self._map = mapped(file, size)
        self._slots = memoryview(self._map).cast("Q")

    def of(self, repository_id: int) -> int:
        """The number in force for a repository (or for `EVERYTHING`)."""
        return self._slots[_slot(repository_id)]

    def advance(self, repository_ids: Iterable[int]) -> None:
        """Makes what every process of the machine remembers of these repositories old."""
        for repository_id in repository_ids:
            self._slots[_slot(repository_id)] = secrets.randbits(64)

    def close(self) -> None:
        """Unmaps the file."""
        self._slots.release()
        self._map.close()


def _slot(repository_id: int) -> int:
    return repository_id % SLOTS if repository_id >= 0 else SLOTS - 1 - repository_id
