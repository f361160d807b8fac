"""Rebuilding the index from the records, an account at a time.

Each account's rows are emptied and refilled in one transaction, so that nobody ever reads a half. Nothing but the
derived tables (`roadstead.index.tables.DERIVED`) is written. Reading all first, without writing, finds the platforms,
for which configs have to be opened: that is not done within a write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.content.store import BlobStore
from roadstead.core.access.account import Account
from roadstead.core.atproto import atcr
from roadstead.core.errors import Conflict, RoadsteadError, UnknownManifest, UnknownName
from roadstead.core.oci.descriptor import Descriptor
from roadstead.index import accounts, manifests
from roadstead.index.database import Database, touch
from roadstead.index.tables import manifests as manifests_table
from roadstead.index.tables import repositories, tags
from roadstead.index.turn import take_turn
from roadstead.registry.derivation import canonical_manifest, canonical_tag, manifest_of, tag_of
from roadstead.registry.platform import platform_of
from roadstead.registry.ports import RecordStore

Progress = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that made no row."""

    account: str
    collection: str
    rkey: str
    reason: str


@dataclass(slots=True)
class Report:
    """What the index was made of."""

    accounts: int = 0
    manifests: int = 0
    tags: int = 0
    skipped: list[Skipped] = field(default_factory=list)


class Reindex:
    """Rebuilds the derived tables.

    Args:
        stores: the record store of each visibility.
    """

    def __init__(self, database: Database, store: BlobStore, stores: Mapping[str, RecordStore]) -> None:
        self._database = database
        self._store = store
        self._stores = stores

    async def run(self, progress: Progress) -> Report:
        """Rebuilds the rows of every account.

        Raises:
            Unavailable: the database does not answer; accounts that are done stay done.
        """
        report = Report()
        everybody = await self._database.read(accounts.every)
        for done, account in enumerate(everybody):
            progress(done, len(everybody), "accounts")
            await self._rebuild(account, report)
            report.accounts += 1
        return report

    async def _rebuild(self, account: Account, report: Report) -> None:
        configs = await self._database.read(lambda connection: self._configs(connection, account.id))
        platforms = {digest: await platform_of(self._store, config) for digest, config in configs.items()}
        found = await self._database.write(lambda connection: self._refill(connection, account, platforms))
        report.manifests += found.manifests
        report.tags += found.tags
        report.skipped += found.skipped

    def _configs(self, connection: Connection, account_id: int) -> dict[str, Descriptor]:
        """The configs of the account's images, by the images' digests."""
        found: dict[str, Descriptor] = {}
        for store in self._stores.values():
            for _, value in store.records(connection, account_id, atcr.MANIFEST):
                try:
                    recorded = manifest_of(connection, value)
                except RoadsteadError:
                    continue
                if recorded.manifest.config is not None:
                    found[str(recorded.digest)] = recorded.manifest.config
        return found

    def _refill(self, connection: Connection, account: Account, platforms: Mapping[str, str | None]) -> Report:
        take_turn(connection)
        ours = _repositories(connection, account.id)
        before = _platforms(connection, account.id)
        for repository_id, _ in ours.values():
            connection.execute(tags.delete().where(tags.c.repository_id == repository_id))
            connection.execute(manifests_table.delete().where(manifests_table.c.repository_id == repository_id))
            touch(connection, repository_id)
        filling = _Filling(connection, account, ours, platforms, before)
        for visibility, store in self._stores.items():
            for rkey, value in store.records(connection, account.id, atcr.MANIFEST):
                filling.manifest(visibility, store, rkey, value)
        for visibility, store in self._stores.items():
            for rkey, value in store.records(connection, account.id, atcr.TAG):
                filling.tag(visibility, store, rkey, value)
        return filling.report


class _Filling:
    """One account's rows on their way in.

    Args:
        ours: its repositories by their paths, with their visibility.
        platforms: by manifests' digests; `before`: those that the index had.
    """

    def __init__(
        self,
        connection: Connection,
        account: Account,
        ours: Mapping[str, tuple[int, str]],
        platforms: Mapping[str, str | None],
        before: Mapping[tuple[int, str], str | None],
    ) -> None:
        self.report = Report()
        self._connection = connection
        self._account = account
        self._ours = ours
        self._platforms = platforms
        self._before = before
        self._present: set[tuple[int, str]] = set()

    def manifest(self, visibility: str, store: RecordStore, rkey: str, value: Mapping[str, Any]) -> None:
        """Adds the manifest of a record."""
        try:
            recorded = manifest_of(self._connection, value)
            repository_id = self._repository(recorded.path, visibility)
            _check_canonical(
                canonical_manifest(store, self._connection, self._account.id, recorded.path, recorded.digest), value
            )
        except RoadsteadError as error:
            self._skip(atcr.MANIFEST, rkey, error)
            return
        digest = str(recorded.digest)
        key = (repository_id, digest)
        # A config that is damaged now was readable when its image was pushed.
        platform = self._platforms.get(digest) or self._before.get(key)
        manifests.put(self._connection, repository_id, recorded.row(platform))
        self._present.add(key)
        self.report.manifests += 1

    def tag(self, visibility: str, store: RecordStore, rkey: str, value: Mapping[str, Any]) -> None:
        """Adds the tag of a record, if its manifest is there."""
        try:
            recorded = tag_of(value)
            repository_id = self._repository(recorded.path, visibility)
            _check_canonical(
                canonical_tag(store, self._connection, self._account.id, recorded.path, recorded.tag), value
            )
            if (repository_id, str(recorded.digest)) not in self._present:
                raise UnknownManifest(f"the tag {recorded.tag} names {recorded.digest}, which is not there")
        except RoadsteadError as error:
            self._skip(atcr.TAG, rkey, error)
            return
        manifests.put_tag(self._connection, repository_id, recorded.tag, str(recorded.digest), recorded.updated_at_ms)
        self.report.tags += 1

    def _repository(self, path: str, visibility: str) -> int:
        """The repository that a record of a store with this visibility belongs to."""
        repository_id, current = self._ours.get(path, (0, ""))
        if current != visibility:
            raise UnknownName(f"{self._account.name} has no {visibility} repository {path[:120]}")
        return repository_id

    def _skip(self, collection: str, rkey: str, error: RoadsteadError) -> None:
        self.report.skipped.append(Skipped(self._account.name, collection, rkey, error.message))


def _check_canonical(canonical: Mapping[str, Any] | None, value: Mapping[str, Any]) -> None:
    if canonical != value:
        raise Conflict("the record under its proper key speaks for it")


def _repositories(connection: Connection, account_id: int) -> dict[str, tuple[int, str]]:
    columns = (repositories.c.path, repositories.c.id, repositories.c.visibility)
    rows = connection.execute(sa.select(*columns).where(repositories.c.account_id == account_id))
    return {row.path: (row.id, row.visibility) for row in rows}


def _platforms(connection: Connection, account_id: int) -> dict[tuple[int, str], str | None]:
    columns = (manifests_table.c.repository_id, manifests_table.c.digest, manifests_table.c.platform)
    query = sa.select(*columns).join(repositories, repositories.c.id == manifests_table.c.repository_id)
    rows = connection.execute(query.where(repositories.c.account_id == account_id))
    return {(row.repository_id, row.digest): row.platform for row in rows}
