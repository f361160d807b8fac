"""What garbage collection removes besides links, manifests and blobs, and what it never touches."""

from __future__ import annotations

import asyncio
import os

import pytest
import sqlalchemy as sa

from roadstead.content.layout import Layout
from roadstead.core.atproto import atcr
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import encode
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.errors import Unavailable
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import parse
from roadstead.index import tables
from roadstead.upkeep.collect import FILES
from tests.rig.world import HOUR_MS, NOW_MS, TERMS, World

OLD_MS = 100 * HOUR_MS


def add(world: World, table: sa.Table, **values: object) -> None:
    with world.rows() as connection:
        connection.execute(sa.insert(table).values(values))


def test_an_empty_folder_has_no_garbage(world: World) -> None:
    assert not any(world.collect().figures().values())


def test_files_without_a_row_are_never_touched(world: World) -> None:
    ours = world.blob(b"ours", age_ms=OLD_MS)
    stray = Layout(world.folder).blob(Digest.of(b"somebody else's"))
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"somebody else's")
    os.utime(stray, (0, 0))
    foreign = world.folder / "docker" / "registry" / "v2" / "repositories" / "theirs"
    foreign.mkdir(parents=True)
    assert world.collect().blobs == 1
    assert ours not in world.files()
    assert stray.exists()
    assert foreign.exists()


def test_a_row_whose_file_is_gone_goes_too(world: World) -> None:
    world.blob(b"lost", age_ms=OLD_MS, stored=False)
    assert world.collect().blobs == 1
    assert world.blobs() == set()


def test_more_garbage_than_a_batch_goes_in_one_run(world: World) -> None:
    with world.rows():
        for number in range(2 * FILES + 1):
            world.blob(b"%d" % number, age_ms=OLD_MS, stored=False)
    assert world.collect().blobs == 2 * FILES + 1


def test_a_blob_of_a_pds_stays_as_long_as_a_record_names_it(world: World) -> None:
    account = world.account()
    digest = Digest.parse(world.blob(b"avatar", age_ms=OLD_MS))
    cid = Cid.of_blob_digest(digest)
    add(
        world,
        tables.pds_blobs,
        account_id=account,
        cid=cid.raw,
        sha256=digest.hex,
        mime_type="image/png",
        size_bytes=6,
        created_at_ms=NOW_MS - OLD_MS,
    )
    add(world, tables.pds_blob_references, account_id=account, collection="app.profile", rkey="self", cid=cid.raw)
    assert world.collect().blobs == 0
    with world.rows() as connection:
        connection.execute(tables.pds_blob_references.delete())
    report = world.collect()
    assert (report.pds_blobs, report.blobs) == (1, 1)
    assert world.files() == set()


def test_a_blob_uploaded_to_a_pds_just_now_waits_for_its_record(world: World) -> None:
    account = world.account()
    digest = Digest.parse(world.blob(b"avatar", age_ms=OLD_MS))
    add(
        world,
        tables.pds_blobs,
        account_id=account,
        cid=Cid.of_blob_digest(digest).raw,
        sha256=digest.hex,
        mime_type="image/png",
        size_bytes=6,
        created_at_ms=NOW_MS - TERMS.grace_ms,
    )
    assert not any(world.collect().figures().values())


def test_bytes_of_a_manifest_stay_that_only_a_private_record_names(world: World) -> None:
    body = b'{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:' + b"0" * 64 + b'","size":1},"layers":[]}'
    digest = Digest.of(body)
    account = world.account()
    add(world, tables.manifest_contents, sha256=digest.hex, body=body, created_at_ms=NOW_MS - OLD_MS)
    blob = BlobRef(Cid.of_blob_digest(digest), "application/json", len(body))
    record = atcr.manifest_record("app", digest, parse(body, None), blob, created_at="2026-01-01T00:00:00.000Z")
    block = encode(record)
    key = {"account_id": account, "collection": atcr.MANIFEST, "rkey": digest.hex}
    add(world, tables.private_records, **key, cid=Cid.of_record(block).raw, value=block)
    assert world.collect().contents == 0
    with world.rows() as connection:
        connection.execute(tables.private_records.delete())
    report = world.collect()
    assert (report.contents, report.content_bytes) == (1, len(body))


def test_the_backlog_ends_but_its_newest_event_stays(world: World) -> None:
    for age_hours in (100, 90, 80):
        at_ms = NOW_MS - age_hours * HOUR_MS
        add(world, tables.pds_events, account_id=None, kind="commit", at_ms=at_ms, payload=b"x")
    assert world.forecast().events == 2
    assert world.collect().events == 2
    assert world.count(tables.pds_events) == 1
    add(world, tables.pds_events, account_id=None, kind="commit", at_ms=NOW_MS, payload=b"x")
    assert world.collect().events == 1


def test_claims_and_tokens_go_when_they_have_ended(world: World) -> None:
    account = world.account()
    for number, until_ms in enumerate((NOW_MS, NOW_MS + 1)):
        add(world, tables.claims, digest="sha256:0", claimant=str(number), until_ms=until_ms)
        add(
            world,
            tables.refresh_tokens,
            secret_sha256=str(number),
            account_id=account,
            purpose="registry",
            created_at_ms=0,
            expires_at_ms=until_ms,
        )
    report = world.collect()
    assert (report.claims, report.tokens) == (1, 1)


def test_idle_uploads_are_swept_and_active_ones_stay(world: World) -> None:
    repository = world.repository(world.account())

    async def begin(upload_id: str) -> None:
        await world.sessions.create(upload_id)

    for upload_id in ("idle", "active"):
        asyncio.run(begin(upload_id))
    last_s = {"active": NOW_MS / 1000, "idle": (NOW_MS - TERMS.upload_ms) / 1000 - 1}
    for upload_id, at_s in last_s.items():
        session = world.folder / "uploads" / upload_id
        for path in (*session.iterdir(), session):
            os.utime(path, (at_s, at_s))
    # The session that is gone from the disk has lost its row's reason too.
    for upload_id, age_ms in (("idle", OLD_MS), ("active", OLD_MS), ("gone", OLD_MS), ("new", 0)):
        add(
            world,
            tables.uploads,
            id=upload_id,
            repository_id=repository,
            account_id=1,
            algorithm="sha256",
            created_at_ms=NOW_MS - age_ms,
        )
    assert world.forecast().uploads == 1
    assert world.collect().uploads == 1
    assert {entry.name for entry in (world.folder / "uploads").iterdir()} == {"active"}
    with world.rows() as connection:
        assert set(connection.execute(sa.select(tables.uploads.c.id)).scalars()) == {"active", "new"}


def test_a_manifest_tagged_after_it_was_found_dead_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = world.repository(world.account())
    digest = world.manifest(repository, "image", age_ms=OLD_MS)
    remove = world.remove_manifest

    async def tagged_first(repository_id: int, dead: str, is_garbage: object) -> bool:
        with world.rows() as connection:
            row = {"repository_id": repository_id, "tag": "late", "digest": dead, "updated_at_ms": NOW_MS}
            connection.execute(sa.insert(tables.tags).values(row))
        return await remove(repository_id, dead, is_garbage)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(world, "remove_manifest", tagged_first)
    terms = type(TERMS)(TERMS.grace_ms, 1, TERMS.backlog_ms, TERMS.upload_ms)
    assert world.collect(terms).manifests == 0
    assert world.digests(tables.manifests) == {(repository, digest)}


def test_a_store_that_fails_loses_no_row(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = world.blob(b"stuck", age_ms=OLD_MS)

    def refuse(_digest: Digest) -> bool:
        raise Unavailable("the disk fails")

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "remove", refuse)
        with pytest.raises(Unavailable):
            world.collect()
    assert world.blobs() == world.files() == {digest}
    assert world.collect().blobs == 1
