"""The schema: what migrations make is what the code believes, and data of a newer version is refused."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from roadstead.core.errors import DataTooNew
from roadstead.index import schema
from roadstead.index.database import Database
from roadstead.index.tables import metadata


def test_migrations_make_the_tables_that_the_code_has(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_newest_revision_is_the_one_that_a_start_looks_for() -> None:
    assert ScriptDirectory.from_config(schema.alembic_config()).get_current_head() == schema.HEAD


def test_a_second_start_changes_nothing(database: Database) -> None:
    schema.ensure(database.engine)


def test_data_of_a_newer_version_is_refused(database: Database) -> None:
    newer = sa.text("UPDATE alembic_version SET version_num = '9999'")
    database.write_now(lambda connection: connection.execute(newer) and None)
    with pytest.raises(DataTooNew, match="9999"):
        schema.ensure(database.engine)
