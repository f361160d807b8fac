"""Removal of manifests that garbage collection has found dead: as a deletion by a client, if they still are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy.engine import Connection

from roadstead.core.errors import Conflict, UnknownManifest, UnknownName
from roadstead.core.records import RecordWrite
from roadstead.index import repositories
from roadstead.index.database import Database
from roadstead.registry.changes import Moved, Removal
from roadstead.registry.ports import Change, RecordStore

ATTEMPTS: Final = 3
"""How often a removal starts anew when its repository is published or hidden under it."""


class _StillNeededError(Exception):
    """Something came to need the manifest before its removal."""


class Expiry:
    """Removes dead manifests; a `roadstead.upkeep.ports.ManifestRemoval`.

    Args:
        stores: the record store of each visibility.
    """

    def __init__(self, database: Database, stores: Mapping[str, RecordStore]) -> None:
        self._database = database
        self._stores = stores

    async def __call__(self, repository_id: int, digest: str, is_garbage: Callable[[Connection], bool]) -> bool:
        """Removes a manifest with its records if `is_garbage` says so in the same transaction; whether it did.

        Raises:
            Conflict: its repository is published or hidden again and again meanwhile.
            Unavailable: the database does not answer.
        """
        row = await self._database.read(lambda connection: repositories.by_id(connection, repository_id))
        for _ in range(ATTEMPTS):
            if row is None:
                return False
            store = self._stores[row.visibility]
            removal = Removal(row, store, digest, is_tag=False)
            try:
                await store.commit(Change(row.account_id, _guarded(removal, is_garbage), removal.index))
            except (_StillNeededError, UnknownManifest, UnknownName):
                return False
            except Moved as moved:
                row = moved.row
            else:
                return True
        raise Conflict(f"repository {repository_id} is being published or hidden", remedy="collect again later")


def _guarded(
    removal: Removal, is_garbage: Callable[[Connection], bool]
) -> Callable[[Connection], Sequence[RecordWrite]]:
    def prepare(connection: Connection) -> Sequence[RecordWrite]:
        if not is_garbage(connection):
            raise _StillNeededError
        return removal.prepare(connection)

    return prepare
