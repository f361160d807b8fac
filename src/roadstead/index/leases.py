"""Rows of leases: which process does a periodic job."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.dialects import insert
from roadstead.index.tables import leases


def acquire(connection: Connection, name: str, holder: str, until_ms: int, now_ms: int, *, takes_from: str) -> bool:
    """Takes the lease, or renews one's own; whether it is now held.

    Args:
        takes_from: a lease of a holder whose name begins so is taken at once: the caller knows that it has ended.
    """
    row = {"name": name, "holder": holder, "until_ms": until_ms}
    statement = insert(connection, leases).values(row)
    free = sa.or_(leases.c.until_ms <= now_ms, leases.c.holder == holder, leases.c.holder.startswith(takes_from))
    taken = statement.on_conflict_do_update(
        index_elements=["name"], set_={"holder": holder, "until_ms": until_ms}, where=free
    )
    return connection.execute(taken).rowcount > 0


def renew(connection: Connection, name: str, holder: str, until_ms: int) -> bool:
    """Prolongs one's own lease; False if somebody else has it by now."""
    own = leases.update().where(leases.c.name == name, leases.c.holder == holder)
    return connection.execute(own.values(until_ms=until_ms)).rowcount > 0


def release(connection: Connection, name: str, holder: str) -> None:
    """Gives one's own lease back."""
    connection.execute(leases.delete().where(leases.c.name == name, leases.c.holder == holder))
