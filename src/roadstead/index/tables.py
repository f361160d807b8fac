"""The tables, as SQLAlchemy Core knows them. Their history is in `migrations/`.

Times are whole milliseconds since 1970, UTC. Digests are spelled `algorithm:hex`, CIDs as raw bytes.

What can be computed again from the records is marked *derived*: `roadstead reindex` empties and refills those
tables and touches no other. All the rest is primary.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identity: Final = BigInteger().with_variant(Integer, "sqlite")
"""A generated key: SQLite numbers only `INTEGER PRIMARY KEY` by itself."""


def _account(*, primary_key: bool = False, nullable: bool = False) -> Column[int]:
    reference = ForeignKey("accounts.id", ondelete="CASCADE")
    return Column("account_id", Identity, reference, primary_key=primary_key, nullable=nullable)


def _repository(*, primary_key: bool = False, nullable: bool = False) -> Column[int]:
    reference = ForeignKey("repositories.id", ondelete="CASCADE")
    return Column("repository_id", Identity, reference, primary_key=primary_key, nullable=nullable)


# --- this server ------------------------------------------------------------------------------------------

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts of this server: `host` and `public_url` in force, and what else is said once."""

host_aliases = Table(
    "host_aliases",
    metadata,
    Column("host", Text, primary_key=True),
    Column("public_url", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)
"""Hosts that this server had before `roadstead rehost`; names and DIDs under them still mean its accounts."""

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)
"""Which process does a periodic job (garbage collection, scrub), so that replicas do not do it twice."""

audit = Table(
    "audit",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

# --- accounts and rights ----------------------------------------------------------------------------------

accounts = Table(
    "accounts",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("did", Text, nullable=False, unique=True),
    Column("handle", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("default_visibility", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

app_passwords = Table(
    "app_passwords",
    metadata,
    Column("id", Identity, primary_key=True),
    _account(),
    Column("label", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False, unique=True),
    Column("repositories", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("revoked_at_ms", BigInteger),
    UniqueConstraint("account_id", "label"),
    sqlite_autoincrement=True,
)
"""`repositories`: JSON list of patterns (`alice/app`, `alice/*`, `*`); `actions`: JSON list of pull, push, delete."""

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("secret_sha256", Text, primary_key=True),
    _account(),
    Column("app_password_id", Identity, ForeignKey("app_passwords.id", ondelete="CASCADE")),
    Column("purpose", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
)
"""`purpose`: `registry` (from /auth/token) or `pds` (from com.atproto.server.createSession)."""

token_keys = Table(
    "token_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private_key_pem", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False, index=True),
)
"""Keys that sign tokens: the newest signs, those younger than a token's life after their successor verify."""

# --- repositories and what is linked to them --------------------------------------------------------------

repositories = Table(
    "repositories",
    metadata,
    Column("id", Identity, primary_key=True),
    _account(),
    Column("path", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    UniqueConstraint("account_id", "path"),
    sqlite_autoincrement=True,
)
"""`path` is the name without its account (`app/sub` of `alice/app/sub`); `visibility`: `public` or `private`."""

grants = Table(
    "grants",
    metadata,
    _repository(primary_key=True),
    _account(primary_key=True),
    Column("action", Text, primary_key=True),
    Column("created_at_ms", BigInteger, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("verified_at_ms", BigInteger, nullable=False, index=True),
    Column("quarantined_at_ms", BigInteger),
)
"""What the hold stores. `origin`: `pushed` or `adopted`. A quarantined blob is answered as absent."""

links = Table(
    "links",
    metadata,
    _repository(primary_key=True),
    Column("digest", Text, ForeignKey("blobs.digest"), primary_key=True, index=True),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
)
"""The right of a repository to a blob: made by an upload into it, a permitted mount or an adoption, by nothing else."""

claims = Table(
    "claims",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("claimant", Text, primary_key=True),
    Column("until_ms", BigInteger, nullable=False, index=True),
)
"""Content that was promised to somebody: see `roadstead.index.claims`. Every garbage collection honours it."""

uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    _repository(),
    _account(),
    Column("algorithm", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Index("ix_uploads_account_id", "account_id"),
)
"""Open upload sessions. How far each got lies beside its bytes: see `roadstead.content.uploads`."""

counts = Table(
    "counts",
    metadata,
    _repository(primary_key=True),
    Column("day", Text, primary_key=True),
    Column("pulls", BigInteger, nullable=False, server_default="0"),
    Column("pushes", BigInteger, nullable=False, server_default="0"),
)
"""`day` is `YYYY-MM-DD`, UTC."""

# --- manifests and tags: derived from the records, but for their bytes --------------------------------------

manifest_contents = Table(
    "manifest_contents",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)
"""Primary. The exact bytes of every manifest by the hex of their SHA-256: the PDS blob that `manifestBlob` names."""

manifests = Table(
    "manifests",
    metadata,
    _repository(primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("sha256", Text, ForeignKey("manifest_contents.sha256"), nullable=False, index=True),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("artifact_type", Text),
    Column("annotations", Text),
    Column("subject", Text),
    Column("platform", Text),
    Column("total_bytes", BigInteger, nullable=False),
    Column("pushed_at_ms", BigInteger, nullable=False),
    Index("ix_manifests_repository_id_subject", "repository_id", "subject"),
)
"""Derived. `annotations`: JSON or null; `platform`: `os/architecture[/variant]` where it is known;
`total_bytes`: what the manifest itself names, config and layers, foreign ones left out."""

manifest_references = Table(
    "manifest_references",
    metadata,
    Column("repository_id", Identity, primary_key=True),
    Column("parent", Text, primary_key=True),
    Column("child", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    ForeignKeyConstraint(
        ["repository_id", "parent"], ["manifests.repository_id", "manifests.digest"], ondelete="CASCADE"
    ),
    Index("ix_manifest_references_repository_id_child", "repository_id", "child"),
)
"""Derived. `kind`: `config`, `layer` or `manifest` (a child of an index). Foreign layers are not here."""

tags = Table(
    "tags",
    metadata,
    _repository(primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Index("ix_tags_repository_id_digest", "repository_id", "digest"),
)
"""Derived."""

# --- records ----------------------------------------------------------------------------------------------

private_records = Table(
    "private_records",
    metadata,
    _account(primary_key=True),
    Column("collection", Text, primary_key=True),
    Column("rkey", Text, primary_key=True),
    Column("cid", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
"""Records of private repositories, as DAG-CBOR. They never enter a PDS."""

private_blob_references = Table(
    "private_blob_references",
    metadata,
    Column("account_id", Identity, primary_key=True),
    Column("collection", Text, primary_key=True),
    Column("rkey", Text, primary_key=True),
    Column("sha256", Text, primary_key=True, index=True),
    ForeignKeyConstraint(
        ["account_id", "collection", "rkey"],
        ["private_records.account_id", "private_records.collection", "private_records.rkey"],
        ondelete="CASCADE",
    ),
)
"""Which private record names which blob: its bytes are kept for the day on which the record is published."""

pds_repositories = Table(
    "pds_repositories",
    metadata,
    _account(primary_key=True),
    Column("private_key_pem", Text, nullable=False),
    Column("commit_cid", LargeBinary, nullable=False),
    Column("commit_block", LargeBinary, nullable=False),
    Column("data_cid", LargeBinary, nullable=False),
    Column("rev", Text, nullable=False),
)
"""The head of each account's AT Protocol repository. `data_cid` is the root of its MST."""

pds_records = Table(
    "pds_records",
    metadata,
    _account(primary_key=True),
    Column("collection", Text, primary_key=True),
    Column("rkey", Text, primary_key=True),
    Column("cid", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("rev", Text, nullable=False),
)

pds_nodes = Table(
    "pds_nodes",
    metadata,
    _account(primary_key=True),
    Column("cid", LargeBinary, primary_key=True),
    Column("block", LargeBinary, nullable=False),
)
"""The MST nodes of each repository's head."""

pds_events = Table(
    "pds_events",
    metadata,
    Column("seq", Identity, primary_key=True),
    _account(nullable=True),
    Column("kind", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
"""The firehose's backlog: DAG-CBOR payloads without `seq`, which is added when they are sent."""

pds_blobs = Table(
    "pds_blobs",
    metadata,
    _account(primary_key=True),
    Column("cid", LargeBinary, primary_key=True),
    Column("sha256", Text, nullable=False, index=True),
    Column("mime_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)
"""Blobs of an account's PDS. Manifests' bytes are in `manifest_contents`, others in the content store."""

pds_blob_references = Table(
    "pds_blob_references",
    metadata,
    _account(primary_key=True),
    Column("collection", Text, primary_key=True),
    Column("rkey", Text, primary_key=True),
    Column("cid", LargeBinary, primary_key=True),
    Index("ix_pds_blob_references_account_id_cid", "account_id", "cid"),
)
"""Which record needs which blob: getBlob serves only what a record refers to."""

DERIVED: Final = (tags, manifest_references, manifests)
"""What `roadstead reindex` empties and refills, in the order in which it can be emptied."""
