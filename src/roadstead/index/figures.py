"""Figures about all that is stored, for the metrics."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.tables import accounts, blobs, manifests, repositories, tags, uploads


def stored(connection: Connection) -> dict[str, int]:
    """How many there are of each kind, by the table's name; `blob_bytes` and `quarantined` besides. Reads all of it."""
    found = {table.name: _count(connection, table) for table in (accounts, repositories, manifests, tags, uploads)}
    query = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(blobs.c.size_bytes), 0), sa.func.count(blobs.c.quarantined_at_ms)
    ).select_from(blobs)
    row = connection.execute(query).one()
    return {**found, "blobs": row[0], "blob_bytes": int(row[1]), "quarantined": row[2]}


def _count(connection: Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
