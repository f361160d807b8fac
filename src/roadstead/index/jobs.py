"""What the periodic jobs did last, kept in `meta` for the metrics and for other replicas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.dialects import insert
from roadstead.index.tables import meta


def last(connection: Connection, name: str) -> dict[str, Any]:
    """What `record` kept for a job; empty before its first end."""
    text = connection.execute(sa.select(meta.c.value).where(meta.c.key == _key(name))).scalar()
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def record(connection: Connection, name: str, ended_ms: int, figures: Mapping[str, int]) -> None:
    """Keeps that a job ended, and adds its figures to those of all its runs before.

    `last` gives `ended_ms`, `figures` (of this run) and `totals`.
    """
    totals: dict[str, int] = last(connection, name).get("totals", {})
    summed = {key: totals.get(key, 0) + value for key, value in figures.items()}
    value = json.dumps({"ended_ms": ended_ms, "figures": dict(figures), "totals": summed}, sort_keys=True)
    statement = insert(connection, meta).values({"key": _key(name), "value": value})
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def _key(name: str) -> str:
    return f"job:{name}"
