"""A data folder and its database without a server: what the jobs of an operator work on, made row by row."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.content.disk import DiskStore
from roadstead.content.uploads import Uploads
from roadstead.core.oci.digest import Digest
from roadstead.index import manifests, tables
from roadstead.index.database import Database
from roadstead.index.manifests import ManifestRow
from roadstead.upkeep.collect import Collector, Report, Terms
from roadstead.upkeep.lease import hold
from roadstead.upkeep.ports import Condition

HOUR_MS = 3600 * 1000
NOW_MS = 1_800_000_000_000
"""The world's time, unless a test moves it."""

TERMS = Terms(grace_ms=24 * HOUR_MS, untagged_ms=None, backlog_ms=72 * HOUR_MS, upload_ms=24 * HOUR_MS)

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class World:
    """Rows and files of one data folder.

    Args:
        url: an empty database; None makes a SQLite in the folder.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.database = Database(
            (url or f"sqlite:///{folder}/roadstead.db").replace("sql://", "sql+psycopg://"), folder
        )
        tables.metadata.create_all(self.database.engine)
        self.store = DiskStore(folder)
        self.sessions = Uploads(folder / "uploads", self.store)
        self.now_ms = NOW_MS
        self._open: Connection | None = None

    def close(self) -> None:
        self.sessions.close()
        self.database.close()

    def empty(self) -> None:
        """Forgets every row; files stay."""
        with self.database.engine.begin() as connection:
            for table in reversed(tables.metadata.sorted_tables):
                connection.execute(table.delete())

    @contextmanager
    def rows(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block; one inside another is part of that."""
        if self._open is not None:
            yield self._open
            return
        with self.database.engine.connect() as connection:
            if self.database.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._open = connection
            try:
                yield connection
            finally:
                self._open = None
            connection.commit()

    # --- making things ----------------------------------------------------------------------------------

    def account(self, name: str = "alice") -> int:
        row = {
            "name": name,
            "did": f"did:web:{name}.localhost",
            "handle": f"{name}.localhost",
            "password_hash": "-",
            "created_at_ms": NOW_MS,
        }
        return self._insert(tables.accounts, row)

    def repository(self, account_id: int, path: str = "app", visibility: str = "public") -> int:
        row = {"account_id": account_id, "path": path, "visibility": visibility, "created_at_ms": NOW_MS}
        return self._insert(tables.repositories, row)

    def blob(self, content: bytes, *, age_ms: int = 0, stored: bool = True) -> str:
        """A blob's row and its file."""
        digest = Digest.of(content)
        row = {
            "digest": str(digest),
            "size_bytes": len(content),
            "created_at_ms": self.now_ms - age_ms,
            "origin": "pushed",
            "verified_at_ms": self.now_ms - age_ms,
        }
        with self.rows() as connection:
            connection.execute(sa.insert(tables.blobs).values(row))
        if stored:
            path = self.store.path(digest)
            assert path is not None
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return str(digest)

    def link(self, repository_id: int, digest: str, *, age_ms: int = 0) -> None:
        at_ms = self.now_ms - age_ms
        row = {"repository_id": repository_id, "digest": digest, "created_at_ms": at_ms, "seen_at_ms": at_ms}
        with self.rows() as connection:
            connection.execute(sa.insert(tables.links).values(row))

    def claim(self, digest: str, *, for_ms: int) -> None:
        with self.rows() as connection:
            row = {"digest": digest, "claimant": "test", "until_ms": self.now_ms + for_ms}
            connection.execute(sa.insert(tables.claims).values(row))

    def manifest(
        self,
        repository_id: int,
        name: str,
        *,
        blobs: tuple[str, ...] = (),
        children: tuple[str, ...] = (),
        subject: str | None = None,
        tag: str | None = None,
        age_ms: int = 0,
    ) -> str:
        """A manifest whose bytes are its name."""
        body = name.encode()
        digest = Digest.of(body)
        row = ManifestRow(
            digest=str(digest),
            sha256=digest.hex,
            media_type=INDEX if children else MANIFEST,
            size_bytes=len(body),
            artifact_type=None,
            annotations=None,
            subject=subject,
            platform=None,
            total_bytes=0,
            pushed_at_ms=self.now_ms - age_ms,
            references=(*((blob, "layer") for blob in blobs), *((child, "manifest") for child in children)),
        )
        with self.rows() as connection:
            manifests.put_body(connection, digest.hex, body, self.now_ms - age_ms)
            manifests.put(connection, repository_id, row)
            if tag is not None:
                manifests.put_tag(connection, repository_id, tag, str(digest), self.now_ms)
        return str(digest)

    def _insert(self, table: sa.Table, row: dict[str, object]) -> int:
        with self.rows() as connection:
            return int(connection.execute(sa.insert(table).values(row).returning(table.c.id)).scalar_one())

    # --- looking ----------------------------------------------------------------------------------------

    def digests(self, table: sa.Table) -> set[tuple[int, str]]:
        """(repository, digest) of every row of `links` or `manifests`."""
        with self.rows() as connection:
            return {(row[0], row[1]) for row in connection.execute(sa.select(table.c.repository_id, table.c.digest))}

    def blobs(self) -> set[str]:
        with self.rows() as connection:
            return set(connection.execute(sa.select(tables.blobs.c.digest)).scalars())

    def files(self) -> set[str]:
        return {str(stored.digest) for stored in self.store.iterate()}

    def count(self, table: sa.Table) -> int:
        with self.rows() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    # --- collecting -------------------------------------------------------------------------------------

    async def remove_manifest(self, repository_id: int, digest: str, is_garbage: Condition) -> bool:
        """A `ManifestRemoval` for repositories without records."""

        def work(connection: Connection) -> bool:
            return is_garbage(connection) and manifests.delete(connection, repository_id, digest)

        return await self.database.write(work)

    def collector(self, terms: Terms = TERMS) -> Collector:
        return Collector(
            self.database, self.store, self.sessions, self.remove_manifest, terms, clock_ms=lambda: self.now_ms
        )

    def collect(self, terms: Terms = TERMS) -> Report:
        with hold(self.database, self.folder, "gc", lambda: self.now_ms) as lease:
            return asyncio.run(self.collector(terms).run(lease))

    def forecast(self, terms: Terms = TERMS) -> Report:
        return asyncio.run(self.collector(terms).forecast())


def digest_of(text: str) -> str:
    """The digest that `World.manifest` gives a name."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
