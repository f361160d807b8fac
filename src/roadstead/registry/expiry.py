"""Removal of manifests that garbage collection has found dead: as a deletion by a client, if they still are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from roadstead.core.atproto.writes import Write
from roadstead.core.errors import UnknownManifest, UnknownName
from roadstead.index import repositories
from roadstead.index.database import Database
from roadstead.registry.changes import Removal
from roadstead.registry.ports import RecordStore
from roadstead.registry.pushing import commit_where_it_is


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
        if row is None:
            return False
        try:
            await commit_where_it_is(
                self._stores, row, lambda current, store: GuardedRemoval(current, store, digest, False, is_garbage)
            )
        except (_StillNeededError, UnknownManifest, UnknownName):
            return False
        return True


@dataclass(frozen=True, slots=True)
class GuardedRemoval(Removal):
    """A removal that looks once more, in its own transaction, whether the manifest is dead."""

    is_garbage: Callable[[Connection], bool]

    def prepare(self, connection: Connection) -> Sequence[Write]:
        """Finds the records that go.

        Raises:
            _StillNeededError: something came to need the manifest.
        """
        if not self.is_garbage(connection):
            raise _StillNeededError
        return Removal.prepare(self, connection)
