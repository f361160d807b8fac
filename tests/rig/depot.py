"""A data folder with accounts, pushed to through the real parts but without HTTP: what whole jobs are tried on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from roadstead.app import upkeep
from roadstead.app.services import Services, open_services
from roadstead.app.settings import Settings
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import OCI_INDEX, OCI_MANIFEST, parse
from roadstead.core.oci.reference import Tag
from roadstead.index import clock, links, repositories
from roadstead.index.repositories import RepositoryRow
from roadstead.index.tables import DERIVED, metadata
from roadstead.registry.changes import Pushed
from roadstead.registry.reindex import Report

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, slots=True)
class Depot:
    """An open data folder."""

    services: Services

    def account(self, name: str = "alice") -> int:
        return self.services.accounts().create(name, f"{name}-password-of-the-tests").id

    def repository(self, account_id: int, path: str = "app", visibility: str = "public") -> RepositoryRow:
        return self.services.database.write_now(
            lambda connection: repositories.create(connection, account_id, path, visibility, clock.now_ms())
        )

    def blob(self, repository: RepositoryRow, content: bytes) -> Digest:
        """A blob, stored and linked to the repository."""
        digest, services = Digest.of(content), self.services
        staged = services.settings.storage_path / f"staged-{os.getpid()}"
        staged.write_bytes(content)
        services.store.publish(staged, digest)
        staged.unlink()

        def work(connection: sa.Connection) -> None:
            links.put_blob(connection, str(digest), len(content), clock.now_ms())
            links.link(connection, repository.id, str(digest), clock.now_ms())

        services.database.write_now(work)
        return digest

    def image(
        self, repository: RepositoryRow, content: bytes = b"layer", *tags: str, subject: Digest | None = None
    ) -> Digest:
        """An image of one layer for linux/arm64, pushed with tags."""
        config = json.dumps({"os": "linux", "architecture": "arm64", "n": content.decode()}).encode()
        fields: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _descriptor(CONFIG, self.blob(repository, config), len(config)),
            "layers": [_descriptor(LAYER, self.blob(repository, content), len(content))],
            "annotations": {"of": content.decode()},
        }
        if subject is not None:
            fields["subject"] = _descriptor(OCI_MANIFEST, subject, 1)
        return self.push(repository, fields, *tags)

    def index(self, repository: RepositoryRow, children: Sequence[Digest], *tags: str) -> Digest:
        manifests = [_descriptor(OCI_MANIFEST, child, 1) for child in children]
        return self.push(repository, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}, *tags)

    def push(self, repository: RepositoryRow, fields: dict[str, Any], *tags: str) -> Digest:
        body = json.dumps(fields).encode()
        digest = Digest.of(body)
        pushed = Pushed(parse(body, None), digest, body, tuple(map(Tag.parse, tags)))
        push = self.services.pushing()
        asyncio.run(push.push(repository, pushed))
        return digest

    def dump(self, *tables: str) -> dict[str, list[Any]]:
        """All rows of tables, the derived ones by default."""
        names = tables or tuple(table.name for table in DERIVED)
        with self.services.database.engine.connect() as connection:
            return {name: sorted(map(tuple, connection.execute(sa.select(metadata.tables[name])))) for name in names}

    def reindex(self) -> Report:
        return asyncio.run(upkeep.reindex(self.services).run(lambda _done, _whole, _what: None))

    def execute(self, statement: sa.Executable) -> None:
        """Changes rows behind everybody's back."""
        self.services.database.write_now(lambda connection: connection.execute(statement))


@contextlib.contextmanager
def depot(data: Path, **settings: Any) -> Iterator[Depot]:
    """Opens, or makes, a data folder."""
    with open_services(Settings(data=str(data), **settings)) as services:
        yield Depot(services)


def _descriptor(media_type: str, digest: Digest, size_bytes: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest), "size": size_bytes}
