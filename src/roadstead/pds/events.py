"""The firehose's backlog: events in the order of their numbers, which is the order in which they were committed.

Owns the rows of `pds_events`, but for the collection of old ones (`roadstead.index.garbage`). Subscribers are told by
the generation number of `FIREHOSE`; who sends events to them is `roadstead.pds.xrpc.subscribe`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto.did import Did
from roadstead.core.atproto.firehose import Event, sync_event
from roadstead.core.atproto.repository import Head
from roadstead.index.database import touch
from roadstead.index.generation import FIREHOSE
from roadstead.index.tables import pds_events

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_APPEND: Final = sa.insert(pds_events)
# As two questions: SQLite answers both from the ends of the index, but one that asks for both from every row.
_SPAN: Final = sa.select(
    sa.select(sa.func.min(pds_events.c.seq)).scalar_subquery(),
    sa.select(sa.func.max(pds_events.c.seq)).scalar_subquery(),
)
# The sizes first: a driver takes all rows that a question gives into memory.
_SIZES: Final = (
    sa.select(pds_events.c.seq, sa.func.length(pds_events.c.payload).label("size_bytes"))
    .where(pds_events.c.seq > sa.bindparam("after"))
    .order_by(pds_events.c.seq)
    .limit(sa.bindparam("most"))
)
_BETWEEN: Final = (
    sa.select(pds_events.c.seq, pds_events.c.kind, pds_events.c.payload)
    .where(pds_events.c.seq > sa.bindparam("after"), pds_events.c.seq <= sa.bindparam("last"))
    .order_by(pds_events.c.seq)
)


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event and its number in the stream."""

    seq: int
    event: Event


def append(connection: Connection, account_id: int | None, event: Event, now_ms: int) -> None:
    """Adds an event. Whoever calls has taken the turn (`roadstead.index.turn`).

    Args:
        account_id: whose event it is: it goes with the account. `None` for what has to outlive it.
    """
    row = {"account_id": account_id, "kind": event.kind, "at_ms": now_ms, "payload": event.body}
    connection.execute(_APPEND, row)
    touch(connection, FIREHOSE)


def after(connection: Connection, seq: int, limit: int, limit_bytes: int) -> Sequence[NumberedEvent]:
    """The events that follow number `seq`, in order.

    Args:
        limit: as many at most.
        limit_bytes: as large at most, all together; the first one may be larger.
    """
    last, left = 0, limit_bytes
    for row in connection.execute(_SIZES, {"after": seq, "most": limit}):
        left -= row.size_bytes
        if last and left < 0:
            break
        last = row.seq
    rows = connection.execute(_BETWEEN, {"after": seq, "last": last}) if last else ()
    return [NumberedEvent(row.seq, Event(row.kind, row.payload)) for row in rows]


def span(connection: Connection) -> tuple[int, int]:
    """The numbers of the first and the last event of the backlog; zeros when there was none yet.

    Collection of what is old leaves the last one, so that this is where the stream is, always.
    """
    first, last = connection.execute(_SPAN).one()
    return first or 0, last or 0


def forget_commits(
    connection: Connection, account_id: int, did: Did, head: Head, commit_block: bytes, now_ms: int
) -> int:
    """Drops every commit of an account from the backlog, and says where its repository stands now.

    All commits, since any of them may carry tree nodes with the keys of records that are to be forgotten. What remains
    for subscribers is `#sync`: whoever has another state fetches the repository anew, and learns nothing else.

    Returns:
        How many were dropped.
    """
    theirs = (pds_events.c.account_id == account_id) & pds_events.c.kind.in_(("#commit", "#sync"))
    dropped = connection.execute(pds_events.delete().where(theirs)).rowcount
    append(connection, account_id, sync_event(did, head, commit_block, moment(now_ms)), now_ms)
    return dropped


def moment(at_ms: int) -> datetime:
    """Milliseconds since 1970 as the time that events are made with."""
    return _EPOCH + timedelta(milliseconds=at_ms)
