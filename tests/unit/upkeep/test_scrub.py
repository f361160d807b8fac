"""Reading back: what is damaged is found, put aside, and healed by the next push."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from roadstead.app import upkeep
from roadstead.content.layout import Layout
from roadstead.content.store import Check
from roadstead.core.oci.digest import Digest
from roadstead.index import links, tables
from roadstead.upkeep.lease import Lease
from roadstead.upkeep.scrub import Report
from tests.rig.depot import Depot


def verify(depot: Depot, repository_id: int | None = None, before_ms: int | None = None) -> Report:
    scrubber = upkeep.scrubber(depot.services)
    return asyncio.run(scrubber.run(Lease(), repository_id=repository_id, before_ms=before_ms))


def path_of(depot: Depot, digest: Digest) -> Path:
    return Layout(depot.services.settings.storage_path).blob(digest)


def kinds(report: Report) -> dict[str, str]:
    return {finding.subject: finding.kind for finding in report.findings}


def is_linked(depot: Depot, repository_id: int, digest: Digest) -> bool:
    found = depot.services.database.read_now(lambda connection: links.linked(connection, repository_id, str(digest)))
    return found is not None


def test_what_is_sound_is_left_alone(filled: Depot) -> None:
    repository = filled.repository(1)
    filled.image(repository, b"layer", "1")
    report = verify(filled)
    assert (report.blobs, report.manifests, report.accounts, report.findings) == (2, 1, 1, [])


def test_corrupt_short_and_missing_blobs_are_quarantined(filled: Depot) -> None:
    repository = filled.repository(1)
    corrupt, short, missing, sound = (filled.blob(repository, b"blob %d" % number) for number in range(4))
    path_of(filled, corrupt).write_bytes(b"BLOB 0")
    path_of(filled, short).write_bytes(b"blob")
    path_of(filled, missing).unlink()
    report = verify(filled)
    assert kinds(report) == {str(corrupt): "corrupt", str(short): "short", str(missing): "missing"}
    assert report.damage == 3
    for digest in (corrupt, short, missing):
        assert not is_linked(filled, repository.id, digest)
        assert not path_of(filled, digest).exists()
    assert is_linked(filled, repository.id, sound)
    quarantine = filled.services.settings.storage_path / "quarantine"
    assert sorted(file.read_bytes() for file in quarantine.iterdir()) == [b"BLOB 0", b"blob"]
    assert verify(filled).findings == []


def test_what_the_disk_does_not_give_is_told_and_the_others_are_read(filled: Depot) -> None:
    repository = filled.repository(1)
    bad, corrupt = (filled.blob(repository, b"blob %d" % number) for number in range(2))
    path_of(filled, bad).unlink()
    path_of(filled, bad).mkdir()
    path_of(filled, corrupt).write_bytes(b"BLOB 1")
    report = verify(filled)
    assert kinds(report) == {str(bad): "unreadable", str(corrupt): "corrupt"}
    assert report.damage == 2


def test_the_next_push_heals(filled: Depot) -> None:
    repository = filled.repository(1)
    digest = filled.blob(repository, b"layer")
    path_of(filled, digest).write_bytes(b"LAYER")
    assert verify(filled).damage == 1
    filled.blob(repository, b"layer")
    assert is_linked(filled, repository.id, digest)
    assert verify(filled).damage == 0


def test_what_a_push_healed_while_it_was_read_is_not_put_aside(filled: Depot) -> None:
    repository = filled.repository(1)
    digest = filled.blob(repository, b"layer")
    path_of(filled, digest).write_bytes(b"LAYER")
    scrubber = upkeep.scrubber(filled.services)

    class Healed:
        """The store, into which a push comes right after the first check."""

        def __init__(self) -> None:
            self.checks: list[Check | None] = []

        def __getattr__(self, name: str) -> object:
            return getattr(filled.services.store, name)

        def check(self, wanted: Digest) -> Check | None:
            self.checks.append(filled.services.store.check(wanted))
            if len(self.checks) == 1:
                filled.blob(repository, b"layer")
            return self.checks[-1]

    healed = Healed()
    scrubber._store = healed  # type: ignore[assignment]  # a store with a push in it
    assert asyncio.run(scrubber.run(Lease())).findings == []
    assert [check.intact for check in healed.checks if check] == [False, True]
    assert is_linked(filled, repository.id, digest)


def test_files_that_the_index_does_not_know_are_told_and_left(filled: Depot) -> None:
    stray = Digest.of(b"stray")
    path_of(filled, stray).parent.mkdir(parents=True)
    path_of(filled, stray).write_bytes(b"stray")
    report = verify(filled)
    assert kinds(report) == {str(stray): "stray"}
    assert report.damage == 0
    assert path_of(filled, stray).exists()


def test_only_what_a_repository_has_is_read(filled: Depot) -> None:
    one, other = filled.repository(1, "one"), filled.repository(1, "other")
    filled.image(one, b"one")
    filled.image(other, b"other")
    report = verify(filled, repository_id=one.id)
    assert (report.blobs, report.manifests, report.accounts) == (2, 1, 0)


def test_it_goes_on_with_what_was_not_read_for_longest(filled: Depot) -> None:
    repository = filled.repository(1)
    old, new = filled.blob(repository, b"old"), filled.blob(repository, b"new")
    filled.execute(tables.blobs.update().where(tables.blobs.c.digest == str(old)).values(verified_at_ms=5))
    filled.execute(tables.blobs.update().where(tables.blobs.c.digest == str(new)).values(verified_at_ms=10))
    assert verify(filled, before_ms=10).blobs == 1
    assert verify(filled, before_ms=10).blobs == 0
    assert verify(filled, before_ms=11).blobs == 1


def test_damaged_bytes_of_a_manifest_are_found_and_healed_by_a_push(filled: Depot) -> None:
    repository = filled.repository(1)
    digest = filled.image(repository)
    filled.execute(tables.manifest_contents.update().values(body=b"{}"))
    assert kinds(verify(filled)) == {str(digest): "manifest"}
    filled.image(repository)
    assert verify(filled).findings == []


def test_damaged_records_and_trees_are_found(filled: Depot) -> None:
    repository = filled.repository(1)
    filled.image(repository, b"layer", "1", "2")
    filled.execute(tables.pds_records.update().where(tables.pds_records.c.rkey == "app_1").values(value=b"\xa0"))
    filled.execute(tables.pds_records.delete().where(tables.pds_records.c.rkey == "app_2"))
    found = [finding.detail for finding in verify(filled).findings]
    assert found == [
        "the record io.atcr.tag/app_1 does not have its hash",
        "the record io.atcr.tag/app_2 is missing",
    ]
    filled.execute(tables.pds_nodes.delete())
    assert [finding.subject for finding in verify(filled).findings] == ["alice"]


def test_a_commit_of_another_key_is_found(filled: Depot) -> None:
    other = filled.account("mallory")
    query = sa.select(tables.pds_repositories.c.private_key_pem).where(tables.pds_repositories.c.account_id == other)
    key = filled.services.database.read_now(lambda connection: connection.execute(query).scalar_one())
    mine = tables.pds_repositories.update().where(tables.pds_repositories.c.account_id != other)
    filled.execute(mine.values(private_key_pem=key))
    [finding] = verify(filled).findings
    assert "signature" in finding.detail


def test_a_missing_blob_of_a_record_is_found(filled: Depot) -> None:
    filled.image(filled.repository(1))
    filled.execute(tables.pds_blobs.delete())
    [finding] = verify(filled).findings
    assert "is missing" in finding.detail
