"""Mounts: a repository gets the right to a blob because the asker may read another that has it.

OCI distribution-spec, Mounting a blob from another repository; automatic content discovery (`mount` without `from`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy.engine import Connection

from roadstead.content.store import BlobStore
from roadstead.core.access.rights import Action, Allowed, Bearer, RepositoryRights, Visibility, decide
from roadstead.core.errors import Misuse
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.reference import RepositoryName
from roadstead.index import links, repositories
from roadstead.index.clock import now_ms
from roadstead.index.database import Database, touch
from roadstead.index.repositories import RepositoryRow
from roadstead.index.rights import rights_in
from roadstead.registry.views import Views

SOURCES: Final = 64
"""How many repositories are looked through for a mount that names no source."""


class Mounts:
    """Makes mounts.

    Args:
        clock_ms: milliseconds since 1970.
    """

    def __init__(
        self, database: Database, views: Views, store: BlobStore, clock_ms: Callable[[], int] = now_ms
    ) -> None:
        self._database = database
        self._views = views
        self._store = store
        self._clock_ms = clock_ms

    async def mount(self, bearer: Bearer, target: RepositoryRow, digest: Digest, source: str | None) -> bool:
        """Links the digest to `target` if the bearer may read a repository that has it; whether it did.

        Args:
            source: the name of the repository to look in; `None` looks through those that have it.
        """
        sources = await (self._named(source) if source else self._holders(digest))
        key, at_ms = str(digest), self._clock_ms()

        def work(connection: Connection) -> bool:
            for source_id in sources:
                row = repositories.by_id(connection, source_id)
                found = links.linked(connection, source_id, key) if row else None
                if row and found and _may_read(bearer, rights_in(row)) and self._store.stat(digest) == found.size_bytes:
                    links.link(connection, target.id, key, at_ms)
                    touch(connection, target.id)
                    return True
            return False

        return bool(sources) and await self._database.write(work)

    async def _named(self, name: str) -> list[int]:
        try:
            view = await self._views.of(RepositoryName.parse(name))
        except Misuse:
            return []  # a mount that cannot be is an upload: the answer tells nothing of the source
        return [view.row.id] if view.row else []

    async def _holders(self, digest: Digest) -> list[int]:
        key = str(digest)
        return await self._database.read(lambda connection: links.repositories_with(connection, key, limit=SOURCES))


def _may_read(bearer: Bearer, rights: RepositoryRights) -> bool:
    """Whether a mount may take from there: its reader could pull it with this token, or with none."""
    named = rights.visibility == Visibility.PUBLIC or bearer.names(rights.name, Action.PULL)
    return named and isinstance(decide(bearer.asker, rights, Action.PULL), Allowed)
