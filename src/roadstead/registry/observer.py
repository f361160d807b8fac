"""The index follows records that were written by XRPC instead of a push.

What the index shows of a manifest or a tag is what the record under its key says (`core.atproto.atcr`), whoever
wrote it and in which order: the same rule as `roadstead.registry.reindex` has. A record that makes no sense, that is of
a repository which is not there or not public, or whose bytes are not here, makes no row. None makes a link: what it
names is served only if the repository had it before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from roadstead.core.access.rights import Visibility
from roadstead.core.atproto import atcr
from roadstead.core.errors import RoadsteadError
from roadstead.core.oci.digest import Digest
from roadstead.index import manifests, repositories
from roadstead.index.database import touch
from roadstead.index.repositories import RepositoryRow
from roadstead.registry.derivation import canonical_manifest, canonical_tag, manifest_of, tag_of
from roadstead.registry.ports import RecordStore


class Change(Protocol):
    """What happened to one record."""

    @property
    def collection(self) -> str: ...

    @property
    def before(self) -> Mapping[str, Any] | None: ...

    @property
    def after(self) -> Mapping[str, Any] | None: ...


class RecordObserver:
    """Implements `roadstead.pds.ports.RecordObserver`.

    Args:
        store: the records of public repositories.
    """

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def written(self, connection: Connection, account_id: int, changes: Sequence[Change]) -> None:
        """Brings the rows that the changed records speak of up to date, in their transaction."""
        named = [(change.collection, value) for change in changes for value in (change.before, change.after) if value]
        # Manifests first: a tag is shown only where its manifest is.
        for value in (value for collection, value in named if collection == atcr.MANIFEST):
            self._manifest(connection, account_id, value)
        for value in (value for collection, value in named if collection == atcr.TAG):
            self._tag(connection, account_id, value)

    def _manifest(self, connection: Connection, account_id: int, value: Mapping[str, Any]) -> None:
        try:
            record = atcr.read_manifest_record(value)
        except RoadsteadError:
            return
        row = _public(connection, account_id, record.repository)
        if row is None:
            return
        current = canonical_manifest(self._store, connection, account_id, record.repository, record.digest)
        _put_manifest(connection, row, record.digest, current)
        # Tags whose records were there before it, or are there still without it.
        for _, tag in self._store.records(connection, account_id, atcr.TAG):
            if (tag.get("repository"), tag.get("manifestDigest")) == (record.repository, str(record.digest)):
                self._tag(connection, account_id, tag)

    def _tag(self, connection: Connection, account_id: int, value: Mapping[str, Any]) -> None:
        try:
            said = tag_of(value)
        except RoadsteadError:
            return
        row = _public(connection, account_id, said.path)
        if row is None:
            return
        current = canonical_tag(self._store, connection, account_id, said.path, said.tag)
        _put_tag(connection, row, said.tag, current)


def _public(connection: Connection, account_id: int, path: str) -> RepositoryRow | None:
    row = repositories.by_name(connection, account_id, path)
    return row if row and row.visibility == Visibility.PUBLIC else None


def _put_manifest(
    connection: Connection, row: RepositoryRow, digest: Digest, current: Mapping[str, Any] | None
) -> None:
    touch(connection, row.id)
    try:
        recorded = manifest_of(connection, current) if current else None
    except RoadsteadError:
        recorded = None
    if recorded is None:
        manifests.delete(connection, row.id, str(digest))
    else:
        manifests.put(connection, row.id, recorded.row(platform=None))


def _put_tag(connection: Connection, row: RepositoryRow, tag: str, current: Mapping[str, Any] | None) -> None:
    touch(connection, row.id)
    try:
        recorded = tag_of(current) if current else None
    except RoadsteadError:
        recorded = None
    if recorded is None or manifests.stored(connection, row.id, str(recorded.digest)) is None:
        manifests.delete_tag(connection, row.id, tag)
    else:
        manifests.put_tag(connection, row.id, tag, str(recorded.digest), recorded.updated_at_ms)
