"""Changes of records take turns among the replicas of one PostgreSQL. On SQLite a writer is alone anyway."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_KEY: Final = 0x726F6164


def take_turn(connection: Connection) -> None:
    """Waits until no other transaction changes records; from here to the commit this one alone may.

    It keeps the firehose in the order of its commits: without it, a number given later could be committed earlier, and
    a subscriber who is past it would never see the other. It keeps a push from writing to the store that its repository
    is just leaving. To be called before rows are locked, so that two transactions never wait for each other.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_KEY)))
