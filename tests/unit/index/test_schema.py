"""The schema: what migrations make is what the code believes, and data of a newer version is refused."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import encode
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.errors import DataTooNew
from roadstead.index import schema
from roadstead.index.database import Database
from roadstead.index.tables import accounts, metadata, private_blob_references, private_records


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


def test_blobs_that_private_records_named_before_there_was_a_table_of_them_are_found(database: Database) -> None:
    picture = BlobRef(Cid.of_blob(b"picture"), "image/png", 7)
    account = {"id": 1, "name": "a", "did": "d", "handle": "h", "password_hash": "", "created_at_ms": 0}
    record = {"account_id": 1, "collection": "a.b.c", "cid": b""}
    values = {"whole": encode({"avatar": picture.value(), "again": [picture.value()]}), "damaged": b"\xff"}
    with database.engine.begin() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.execute(sa.insert(accounts), account)
        connection.execute(
            sa.insert(private_records), [{**record, "rkey": rkey, "value": value} for rkey, value in values.items()]
        )
    schema.ensure(database.engine)
    with database.engine.connect() as connection:
        found = [(row.rkey, row.sha256) for row in connection.execute(sa.select(private_blob_references))]
    assert found == [("whole", picture.cid.digest.hex)]
