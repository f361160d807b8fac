"""What SQLite and PostgreSQL spell differently, and statements that are built once.

SQLAlchemy compiles a statement once, but to find the compiled form of one that is built anew at each call costs
more than to run it: what a push executes is made when its module is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

InsertStatement: TypeAlias = sqlite.Insert | postgresql.Insert

_INSERTS: Final[Mapping[str, Callable[[sa.Table], InsertStatement]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class Put:
    """An INSERT of rows that may be there already.

    Args:
        key: the columns that say which row it is.
        fresh: the columns that a row which is there gets anew; without any it is left as it is.
        unless_same: a row that has the same value in this column already is left as it is.
    """

    def __init__(
        self, table: sa.Table, key: Sequence[str], fresh: Sequence[str] = (), unless_same: str | None = None
    ) -> None:
        differs = None if unless_same is None else table.c[unless_same]
        self._statements = {
            dialect: _on_conflict(make(table), list(key), fresh, differs) for dialect, make in _INSERTS.items()
        }

    def __call__(self, connection: Connection, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> int:
        """Puts a row, or several; how many were written."""
        return connection.execute(self._statements[connection.dialect.name], rows).rowcount


def insert(connection: Connection, table: sa.Table) -> InsertStatement:
    """An INSERT that knows ON CONFLICT, in the dialect of the connection. For what runs rarely: see `Put`."""
    return _INSERTS[connection.dialect.name](table)


def exists(*which: sa.ColumnElement[bool]) -> sa.Exists:
    """Whether there is a row; what is asked about the rows around it says which table is meant.

    SQLAlchemy's own asks for all columns of the row. SQLite then passes over an index that does not have them all, and
    walks through every row with the same first column of the primary key: all that a repository has, say.
    """
    return sa.exists(sa.literal_column("1")).where(*which)


def in_byte_order(connection: Connection, text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """`text`, compared byte by byte as the specification sorts: PostgreSQL's own order depends on its locale."""
    return text.collate("C") if connection.dialect.name == "postgresql" else text


def locked(connection: Connection, query: sa.Select[Any], table: sa.Table) -> sa.Select[Any]:
    """`query`, whose rows of `table` nobody deletes until the end of this write. SQLite's writers are alone anyway."""
    if connection.dialect.name != "postgresql":
        return query
    return query.with_for_update(read=True, key_share=True, of=table)


def _on_conflict(
    statement: InsertStatement, key: list[str], fresh: Sequence[str], differs: sa.Column[Any] | None
) -> InsertStatement:
    if not fresh:
        return statement.on_conflict_do_nothing(index_elements=key)
    anew = {name: statement.excluded[name] for name in fresh}
    where = None if differs is None else differs != statement.excluded[differs.name]
    return statement.on_conflict_do_update(index_elements=key, set_=anew, where=where)
