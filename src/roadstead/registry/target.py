"""The repository that a push goes to, and what a push may take."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from roadstead.core.access.rights import RepositoryRights
from roadstead.index import repositories
from roadstead.index.database import Database, touch
from roadstead.index.repositories import RepositoryRow


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


async def ensure(database: Database, rights: RepositoryRights, visibility: str, at_ms: int) -> RepositoryRow:
    """The repository that `rights` speak of, made if it was not there."""
    path = rights.name.partition("/")[2]

    def work(connection: Connection) -> RepositoryRow:
        row = repositories.create(connection, rights.owner_id, path, visibility, at_ms)
        touch(connection, row.id)
        return row

    return await database.write(work)
