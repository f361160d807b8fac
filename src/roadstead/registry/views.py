"""What a worker remembers of repositories, so that a hot pull asks no SQL. Never older than an acknowledged write.

A `RepositoryView` holds what was read of one repository since one stamp: the generation numbers that were in force
*before* its first query. When they differ, or after `MAX_AGE_S`, the view is dropped as a whole. See
`roadstead.index.generation`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account
from roadstead.core.access.rights import RepositoryRights
from roadstead.core.atproto.did import Did
from roadstead.core.errors import Unavailable, UnknownManifest
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.reference import Reference, RepositoryName
from roadstead.index import links, manifests, repositories
from roadstead.index.database import Database
from roadstead.index.generation import EVERYTHING, MAX_AGE_S
from roadstead.index.links import LinkedBlob
from roadstead.index.manifests import StoredManifest
from roadstead.index.repositories import RepositoryRow
from roadstead.index.rights import rights_in
from roadstead.registry.ports import AccountResolver

K = TypeVar("K")
T = TypeVar("T")

VIEWS: Final = 1024
"""Repositories that a worker remembers at once."""

ENTRIES: Final = 100_000
"""Blobs, manifests and tags that it remembers of all of them: about 40 MB at most, after which it begins anew."""

STALE_S: Final = 60.0
"""How old a view may be that still answers while the database cannot be reached: as long as a fail-over takes.

On this machine it hides no acknowledged write (see `Views._stale`); a replica that is cut off alone does not learn
in this time that a repository was hidden through another."""


@dataclass(slots=True)
class RepositoryView:
    """A repository as it was at one moment; `row` is None where there was none.

    Args:
        former_name: how the name that was asked for spells the account, if that is under a host of former times.
    """

    rights: RepositoryRights
    row: RepositoryRow | None
    stamp: tuple[int, int]
    read_at: float
    is_stale: bool = False
    former_name: str = ""
    blobs: dict[str, LinkedBlob] = field(default_factory=dict)
    manifests: dict[str, StoredManifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tag_pages: dict[tuple[str, int], Sequence[str]] = field(default_factory=dict)


class Views:
    """The views of one worker.

    Args:
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(
        self, database: Database, resolver: AccountResolver, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._resolver = resolver
        self._monotonic = monotonic
        self._views: OrderedDict[RepositoryName, RepositoryView] = OrderedDict()
        self._entries = 0

    async def of(self, name: RepositoryName) -> RepositoryView:
        """The repository that `name` means.

        Raises:
            UnknownName: its first component is no account of this server.
            Unavailable: the database does not answer, and nothing is remembered.
        """
        known = self._views.get(name)
        if known is not None and self._is_fresh(known):
            return known
        try:
            view = await self._read(name, known)
        except Unavailable as error:
            return self._stale(known, error)
        if view.row is None:
            self._views.pop(name, None)
        else:
            self._remember(name, view)
        return view

    def warnings(self, view: RepositoryView) -> list[str]:
        """What the answers from a view have to say beside what was asked."""
        said = ["the database cannot be reached: this is what was known before"] if view.is_stale else []
        if view.former_name:
            said.append(f"{view.former_name} is a former name; use {view.rights.name}")
        return said

    async def blob(self, view: RepositoryView, digest: Digest) -> LinkedBlob | None:
        """The blob, if the repository has a link to it."""
        key = str(digest)
        found = view.blobs.get(key)
        if found is None and view.row is not None:
            repository_id = view.row.id
            found = await self._database.read(lambda connection: links.linked(connection, repository_id, key))
            if found is not None:
                self._keep(view.blobs, key, found)
        return found

    async def manifest(self, view: RepositoryView, reference: Reference) -> StoredManifest:
        """The manifest that a tag or a digest means.

        Raises:
            UnknownManifest: there is none.
        """
        key = str(reference)
        digest = key if isinstance(reference, Digest) else view.tags.get(key)
        found = view.manifests.get(digest) if digest else None
        if found is None and view.row is not None:
            found = await self._read_manifest(view, view.row.id, reference)
        if found is None:
            raise UnknownManifest(f"{view.rights.name} has no manifest {key}")
        return found

    async def tags(self, view: RepositoryView, after: str, limit: int) -> Sequence[str]:
        """At most `limit` tags in byte order that come after `after`."""
        if view.row is None:
            return ()
        repository_id, key = view.row.id, (after, limit)
        found = view.tag_pages.get(key)
        if found is None:
            found = await self._database.read(
                lambda connection: manifests.tags_page(connection, repository_id, after, limit)
            )
            self._keep(view.tag_pages, key, found, entries=len(found) + 1)
        return found

    async def _read(self, name: RepositoryName, known: RepositoryView | None) -> RepositoryView:
        account = await self._resolver.account(name.owner)
        absent = RepositoryView(RepositoryRights(account.id, f"{account.name}/{name.path}"), None, (0, 0), 0.0)
        row = known.row if known else None
        if row is None:
            row = await self._database.read(lambda connection: repositories.by_name(connection, account.id, name.path))
        if row is None:
            return absent
        # Only now is the slot known: what is believed has to be read after the stamp.
        repository_id, stamp, read_at = row.id, self._stamp(row.id), self._monotonic()
        row = await self._database.read(lambda connection: repositories.by_id(connection, repository_id))
        if row is None or (row.account_id, row.path) != (account.id, name.path):
            # What was remembered is gone; another repository may have its name by now.
            return absent if known is None else await self._read(name, None)
        return RepositoryView(rights_in(row), row, stamp, read_at, former_name=_former(name.owner, account))

    async def _read_manifest(
        self, view: RepositoryView, repository_id: int, reference: Reference
    ) -> StoredManifest | None:
        def work(connection: Connection) -> StoredManifest | None:
            digest: str | None = str(reference)
            if not isinstance(reference, Digest):
                digest = manifests.tagged(connection, repository_id, reference.name)
            return manifests.stored(connection, repository_id, digest) if digest else None

        found = await self._database.read(work)
        if found is not None:
            self._keep(view.manifests, found.digest, found)
            if not isinstance(reference, Digest):
                self._keep(view.tags, reference.name, found.digest)
        return found

    def _stamp(self, repository_id: int) -> tuple[int, int]:
        generation = self._database.generation
        return generation.of(repository_id), generation.of(EVERYTHING)

    def _is_fresh(self, view: RepositoryView) -> bool:
        return (
            view.row is not None
            and view.stamp == self._stamp(view.row.id)
            and self._monotonic() - view.read_at < MAX_AGE_S
        )

    def _stale(self, known: RepositoryView | None, error: Unavailable) -> RepositoryView:
        """What is known while the database cannot be reached, marked as stale.

        Not where a write was acknowledged since: it may have taken a right away. Nothing more can be without the
        database, so that on this machine no acknowledged write is hidden.
        """
        if known is None or known.row is None or self._monotonic() - known.read_at > STALE_S:
            raise error
        if known.stamp != self._stamp(known.row.id):
            raise error
        known.is_stale = True
        return known

    def _remember(self, name: RepositoryName, view: RepositoryView) -> None:
        """Keeps a view; those that not even a failing database would bring back are let go, the oldest first."""
        self._views[name] = view
        self._views.move_to_end(name)
        while len(self._views) > VIEWS or view.read_at - next(iter(self._views.values())).read_at > STALE_S:
            self._views.popitem(last=False)

    def _keep(self, memory: dict[K, T], key: K, value: T, *, entries: int = 1) -> None:
        """Notes what was read of a repository; everything is forgotten when that was much since the last time."""
        self._entries += entries
        if self._entries > ENTRIES:
            self._views.clear()
            self._entries = 0
        memory[key] = value


def _former(owner: str, account: Account) -> str:
    """`owner`, where it is none of the account's present names."""
    return "" if owner in (account.name, account.handle, account.did, Did.parse(account.did).alias) else owner
