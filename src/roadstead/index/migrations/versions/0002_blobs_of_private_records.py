"""Blobs that private records name."""

import sqlalchemy as sa
from alembic import op

from roadstead.core.atproto.dagcbor import decode_map
from roadstead.core.atproto.datamodel import blob_refs
from roadstead.core.errors import RoadsteadError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    references = op.create_table(
        "private_blob_references",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("rkey", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "collection", "rkey"],
            ["private_records.account_id", "private_records.collection", "private_records.rkey"],
            name=op.f("fk_private_blob_references_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "collection", "rkey", "sha256", name=op.f("pk_private_blob_references")),
    )
    with op.batch_alter_table("private_blob_references", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_private_blob_references_sha256"), ["sha256"], unique=False)
    _fill(references)


def downgrade() -> None:
    """From this revision."""
    op.drop_table("private_blob_references")


def _fill(references: sa.Table) -> None:
    records = sa.table("private_records", *map(sa.column, ("account_id", "collection", "rkey", "value")))
    for row in op.get_bind().execute(sa.select(records)).all():
        try:
            named = {ref.cid.digest.hex for ref in blob_refs(decode_map(bytes(row.value)))}
        except RoadsteadError:
            continue  # damaged: nothing can be read from it later either
        key = {"account_id": row.account_id, "collection": row.collection, "rkey": row.rkey}
        if named:
            op.bulk_insert(references, [{**key, "sha256": sha256} for sha256 in sorted(named)])
