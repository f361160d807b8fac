"""Rows of open upload sessions: whose they are, and of which repository."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.tables import uploads


@dataclass(frozen=True, slots=True)
class UploadRow:
    """An open session."""

    id: str
    repository_id: int
    account_id: int
    algorithm: str


_ONE = sa.select(uploads.c.id, uploads.c.repository_id, uploads.c.account_id, uploads.c.algorithm).where(
    uploads.c.id == sa.bindparam("id")
)


def get(connection: Connection, upload_id: str) -> UploadRow | None:
    """The session, if it is open."""
    row = connection.execute(_ONE, {"id": upload_id}).first()
    return UploadRow(*row) if row else None


def count_of(connection: Connection, account_id: int) -> int:
    """How many sessions an account has open."""
    query = sa.select(sa.func.count()).select_from(uploads).where(uploads.c.account_id == account_id)
    return connection.execute(query).scalar_one()


def put(connection: Connection, row: UploadRow, now_ms: int) -> None:
    """Opens a session."""
    values = {
        "id": row.id,
        "repository_id": row.repository_id,
        "account_id": row.account_id,
        "algorithm": row.algorithm,
        "created_at_ms": now_ms,
    }
    connection.execute(sa.insert(uploads).values(values))


def delete(connection: Connection, upload_ids: Iterable[str]) -> None:
    """Closes sessions."""
    connection.execute(uploads.delete().where(uploads.c.id.in_(list(upload_ids))))
