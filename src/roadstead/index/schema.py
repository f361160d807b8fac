"""The schema's version: a new database is filled, an older one migrated, a newer one refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from roadstead.core.errors import DataTooNew
from roadstead.index.database import translated

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0001"
"""The newest revision: so that a start need not load alembic to see that nothing is to be done. A test holds it."""

_LOCK_KEY: Final = 0x0AD57EAD
"""PostgreSQL's advisory lock while migrating: replicas start together."""


def ensure(engine: Engine) -> None:
    """Brings the database to `HEAD`.

    Raises:
        DataTooNew: a newer version of Roadstead has migrated it further.
        Unavailable: the database does not answer.
    """
    with translated(), engine.begin() as connection:
        if _revision(connection) == HEAD:
            return
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))
        _migrate(connection)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _migrate(connection: Connection) -> None:
    # What it says while it is imported, of its plugins, is of no use to an operator.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    revision = _revision(connection)
    if revision is not None and revision not in known:
        raise DataTooNew(
            f"the database has schema {revision}, which this version of Roadstead does not know (its newest is {HEAD})",
            remedy="run the newer version that wrote it, or restore a backup",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def alembic_config() -> Config:
    """Alembic's configuration: its scripts lie beside this module."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
