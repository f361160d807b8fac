"""Rows of manifests, what they name, and tags."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import Manifest
from roadstead.index.dialects import Put, exists, in_byte_order, locked
from roadstead.index.links import CHUNK
from roadstead.index.tables import manifest_contents, manifest_references, manifests, tags


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A manifest as the index has it, with what it names.

    Args:
        sha256: hex of its bytes' SHA-256, whatever algorithm `digest` is of.
        platform: `os/architecture[/variant]` where it is known.
        references: (digest, kind) pairs; see `roadstead.index.tables.manifest_references`.
    """

    digest: str
    sha256: str
    media_type: str
    size_bytes: int
    artifact_type: str | None
    annotations: Mapping[str, str] | None
    subject: str | None
    platform: str | None
    total_bytes: int
    pushed_at_ms: int
    references: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls, manifest: Manifest, digest: Digest, body: bytes, platform: str | None, pushed_at_ms: int
    ) -> ManifestRow:
        """The row of a parsed manifest whose bytes are `body`."""
        blobs = [(manifest.config, "config")] if manifest.config else []
        named = [
            *((str(blob.digest), kind) for blob, kind in blobs if blob and not blob.is_foreign),
            *((str(layer.digest), "layer") for layer in manifest.layers if not layer.is_foreign),
            *((str(child.digest), "manifest") for child in manifest.manifests),
        ]
        return cls(
            digest=str(digest),
            sha256=digest.hex if digest.algorithm == "sha256" else Digest.of(body).hex,
            media_type=manifest.media_type,
            size_bytes=len(body),
            artifact_type=manifest.artifact_type,
            annotations=manifest.annotations,
            subject=str(manifest.subject.digest) if manifest.subject else None,
            platform=platform,
            total_bytes=manifest.total_bytes,
            pushed_at_ms=pushed_at_ms,
            references=tuple(dict.fromkeys(named)),
        )


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """What answers a GET of a manifest, but for its bytes.

    Args:
        is_child: an index of the same repository names it: a GET by digest is then no pull of its own.
    """

    digest: str
    sha256: str
    media_type: str
    size_bytes: int
    is_child: bool


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest whose subject is another one (distribution-spec, Listing referrers)."""

    digest: str
    media_type: str
    size_bytes: int
    artifact_type: str | None
    annotations: Mapping[str, str] | None


_child = manifest_references.alias("child")
_STORED: Final = sa.select(
    manifests.c.digest,
    manifests.c.sha256,
    manifests.c.media_type,
    manifests.c.size_bytes,
    exists(_child.c.repository_id == manifests.c.repository_id, _child.c.child == manifests.c.digest).label("is_child"),
).where(manifests.c.repository_id == sa.bindparam("repository_id"), manifests.c.digest == sa.bindparam("digest"))
_TAG: Final = sa.select(tags.c.digest).where(
    tags.c.repository_id == sa.bindparam("repository_id"), tags.c.tag == sa.bindparam("tag")
)
_PRESENT: Final = sa.select(manifests.c.digest).where(
    manifests.c.repository_id == sa.bindparam("repository_id"),
    manifests.c.digest.in_(sa.bindparam("digests", expanding=True)),
)
_PUT_BODY: Final = Put(manifest_contents, key=("sha256",), fresh=("body", "created_at_ms"))
_PUT: Final = Put(manifests, key=("repository_id", "digest"))
_PUT_TAG: Final = Put(tags, key=("repository_id", "tag"), fresh=("digest", "updated_at_ms"), unless_same="digest")
_ADD_REFERENCES: Final = sa.insert(manifest_references)
_BODY: Final = sa.select(manifest_contents.c.body).where(manifest_contents.c.sha256 == sa.bindparam("sha256"))


def put_body(connection: Connection, sha256: str, body: bytes, now_ms: int) -> None:
    """Keeps a manifest's exact bytes. A push heals what was damaged, and on PostgreSQL waits for a collection."""
    row = {"sha256": sha256, "body": body, "created_at_ms": now_ms}
    _PUT_BODY(connection, row)


def body(connection: Connection, sha256: str) -> bytes | None:
    """A manifest's exact bytes."""
    found: bytes | None = connection.execute(_BODY, {"sha256": sha256}).scalar()
    return found


def put(connection: Connection, repository_id: int, row: ManifestRow) -> None:
    """Adds the manifest, or does nothing where the repository has it: a manifest never changes."""
    values: dict[str, Any] = {
        "repository_id": repository_id,
        "digest": row.digest,
        "sha256": row.sha256,
        "media_type": row.media_type,
        "size_bytes": row.size_bytes,
        "artifact_type": row.artifact_type,
        "annotations": json.dumps(row.annotations, sort_keys=True) if row.annotations else None,
        "subject": row.subject,
        "platform": row.platform,
        "total_bytes": row.total_bytes,
        "pushed_at_ms": row.pushed_at_ms,
    }
    if _PUT(connection, values) and row.references:
        named = [
            {"repository_id": repository_id, "parent": row.digest, "child": child, "kind": kind}
            for child, kind in row.references
        ]
        connection.execute(_ADD_REFERENCES, named)


def delete(connection: Connection, repository_id: int, digest: str) -> bool:
    """Removes the manifest and the tags that name it; whether it was there."""
    connection.execute(tags.delete().where(tags.c.repository_id == repository_id, tags.c.digest == digest))
    gone = manifests.delete().where(manifests.c.repository_id == repository_id, manifests.c.digest == digest)
    return connection.execute(gone).rowcount > 0


def stored(connection: Connection, repository_id: int, digest: str) -> StoredManifest | None:
    """The manifest with this digest in this repository."""
    row = connection.execute(_STORED, {"repository_id": repository_id, "digest": digest}).first()
    return StoredManifest(row.digest, row.sha256, row.media_type, row.size_bytes, bool(row.is_child)) if row else None


def missing(connection: Connection, repository_id: int, digests: Iterable[str]) -> list[str]:
    """Those of `digests` that are no manifests of the repository, in their order."""
    wanted = list(dict.fromkeys(digests))
    found: set[str] = set()
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        query = locked(connection, _PRESENT, manifests)
        found.update(connection.execute(query, {"repository_id": repository_id, "digests": part}).scalars())
    return [digest for digest in wanted if digest not in found]


def put_tag(connection: Connection, repository_id: int, tag: str, digest: str, now_ms: int) -> None:
    """Points the tag at the digest; one that does already is left as it is, as its record is."""
    row = {"repository_id": repository_id, "tag": tag, "digest": digest, "updated_at_ms": now_ms}
    _PUT_TAG(connection, row)


def delete_tag(connection: Connection, repository_id: int, tag: str) -> bool:
    """Removes the tag; whether it was there."""
    gone = tags.delete().where(tags.c.repository_id == repository_id, tags.c.tag == tag)
    return connection.execute(gone).rowcount > 0


def tagged(connection: Connection, repository_id: int, tag: str) -> str | None:
    """The digest that a tag points at."""
    found: str | None = connection.execute(_TAG, {"repository_id": repository_id, "tag": tag}).scalar()
    return found


def tags_of(connection: Connection, repository_id: int, digest: str) -> list[str]:
    """The tags that point at a digest, sorted."""
    query = sa.select(tags.c.tag).where(tags.c.repository_id == repository_id, tags.c.digest == digest)
    return sorted(connection.execute(query).scalars())


def tags_page(connection: Connection, repository_id: int, after: str, limit: int | None) -> Sequence[str]:
    """Tags in byte order that come after `after`."""
    name = in_byte_order(connection, tags.c.tag)
    query = sa.select(tags.c.tag).where(tags.c.repository_id == repository_id, name > after).order_by(name)
    return connection.execute(query.limit(limit) if limit is not None else query).scalars().all()


def referrers(
    connection: Connection,
    repository_id: int,
    subject: str,
    artifact_type: str | None,
    after: str,
    *,
    limit: int,
    limit_bytes: int,
) -> tuple[list[Referrer], bool]:
    """Manifests whose subject is `subject`, in the order of their digests, that come after the digest `after`.

    Args:
        limit: how many at most.
        limit_bytes: how long their annotations may be together, unless there is one alone.

    Returns:
        A page, and whether there are more.
    """
    query = sa.select(
        manifests.c.digest,
        manifests.c.media_type,
        manifests.c.size_bytes,
        manifests.c.artifact_type,
        manifests.c.annotations,
    ).where(manifests.c.repository_id == repository_id, manifests.c.subject == subject, manifests.c.digest > after)
    if artifact_type is not None:
        query = query.where(manifests.c.artifact_type == artifact_type)
    page: list[Referrer] = []
    # A few rows at a time: annotations may be as large as manifests.
    query = query.order_by(manifests.c.digest).limit(limit + 1).execution_options(yield_per=8)
    with connection.execute(query) as rows:
        for row in rows:
            limit_bytes -= len(row[4] or "")
            if len(page) == limit or (page and limit_bytes < 0):
                return page, True
            page.append(Referrer(*row[:4], json.loads(row[4]) if row[4] else None))
    return page, False
