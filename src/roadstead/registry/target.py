"""The repository that a push goes to, and what a push may take."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from roadstead.index import repositories
from roadstead.index.database import Database, touch
from roadstead.index.repositories import RepositoryRow
from roadstead.registry.views import RepositoryView


@dataclass(frozen=True, slots=True)
class PushLimits:
    """What a push may take.

    Args:
        visibility: what a repository becomes that its first push makes.
        uploads_per_account: sessions that an account may have open.
        manifest_bytes: the largest manifest.
    """

    visibility: str
    uploads_per_account: int
    manifest_bytes: int


async def target_of(database: Database, view: RepositoryView, limits: PushLimits, at_ms: int) -> RepositoryRow:
    """The repository that a push with this view goes to; the first push of its owner makes it."""
    if view.row is not None:
        return view.row
    owner_id, path = view.rights.owner_id, view.rights.name.partition("/")[2]

    def work(connection: Connection) -> RepositoryRow:
        row = repositories.create(connection, owner_id, path, limits.visibility, at_ms)
        touch(connection, row.id)
        return row

    return await database.write(work)
