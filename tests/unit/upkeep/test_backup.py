"""Backups: made beside writers, restored whole, refused where that would overwrite or be a half."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from roadstead.app import upkeep
from roadstead.content.layout import Layout
from roadstead.core.errors import Conflict, CorruptContent, Misuse, Unknown, Unsupported
from roadstead.core.oci.digest import Digest
from roadstead.index import tables
from roadstead.upkeep.archive import Archive, FolderArchive, TarArchive, blob_name
from roadstead.upkeep.backup import PASSING, Report, back_up, restore
from roadstead.upkeep.lease import Lease
from roadstead.upkeep.ports import unwatched
from tests.rig.depot import Depot, depot
from tests.rig.postgres import Postgres


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Depot]:
    with depot(tmp_path / "data") as opened:
        repository = opened.repository(opened.account())
        opened.image(repository, b"layer", "1")
        yield opened


@pytest.fixture(params=["folder", "tar"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / ("backup" if request.param == "folder" else "backup.tar")


def write(depot: Depot, archive: Archive) -> Report:
    services = depot.services
    storage = services.settings.storage_path
    return back_up(upkeep.sqlite_file(services), storage, archive, Lease(), unwatched, version="0", now_ms=1)


def make(depot: Depot, target: Path) -> Report:
    if target.suffix != ".tar":
        return write(depot, FolderArchive(target))
    with target.open("wb") as file:
        return write(depot, TarArchive(file, 0))


def everything(depot: Depot) -> dict[str, list[object]]:
    names = [table.name for table in tables.metadata.sorted_tables if table.name not in PASSING]
    return depot.dump(*names)


def stored(depot: Depot) -> set[str]:
    return {str(one.digest) for one in depot.services.store.iterate()}


def test_what_is_restored_is_what_was_there(source: Depot, target: Path, tmp_path: Path) -> None:
    report = make(source, target)
    assert (report.blobs, report.damaged) == (2, [])
    restored = restore(target, tmp_path / "new", tmp_path / "new", unwatched)
    assert (restored.blobs, restored.blob_bytes, restored.damaged) == (2, report.blob_bytes, [])
    with depot(tmp_path / "new") as again:
        assert everything(again) == everything(source)
        assert stored(again) == stored(source)
        assert upkeep.account(again.services, "alice").id == 1


def test_blobs_may_be_restored_to_a_folder_of_their_own(source: Depot, target: Path, tmp_path: Path) -> None:
    make(source, target)
    restore(target, tmp_path / "new", tmp_path / "disk", unwatched)
    with depot(tmp_path / "new", storage=str(tmp_path / "disk")) as again:
        assert stored(again) == stored(source)


def test_it_is_one_moment_while_pushes_go_on(source: Depot, target: Path, tmp_path: Path) -> None:
    repository = source.repository(1)
    stop = threading.Event()

    def push() -> None:
        number = 0
        while not stop.is_set():
            source.image(repository, b"%d" % number, f"v{number}")
            number += 1

    pusher = threading.Thread(target=push)
    pusher.start()
    try:
        make(source, target)
    finally:
        stop.set()
        pusher.join()
    assert restore(target, tmp_path / "new", tmp_path / "new", unwatched).damaged == []
    with depot(tmp_path / "new") as again:
        before = again.dump()
        assert again.reindex().skipped == []
        assert again.dump() == before


def test_uploads_and_leases_of_the_moment_are_not_in_it(source: Depot, target: Path, tmp_path: Path) -> None:
    row = {"id": "u", "repository_id": 1, "account_id": 1, "algorithm": "sha256", "created_at_ms": 0}
    source.execute(sa.insert(tables.uploads).values(row))
    with upkeep.leased(source.services, upkeep.COLLECTING):
        make(source, target)
    restore(target, tmp_path / "new", tmp_path / "new", unwatched)
    with depot(tmp_path / "new") as again:
        assert again.dump("uploads", "leases") == {"uploads": [], "leases": []}


def test_a_folder_gets_only_what_is_new_and_loses_what_went(source: Depot, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    make(source, target)
    source.image(source.repository(1), b"another")
    report = make(source, target)
    assert (report.blobs, report.unchanged) == (2, 2)
    source.execute(tables.links.delete())
    source.execute(tables.blobs.delete())
    make(source, target)
    assert not list(target.glob("docker/**/data"))


def test_a_damaged_blob_is_told_and_the_others_are_kept(source: Depot, target: Path, tmp_path: Path) -> None:
    repository = source.repository(1)
    corrupt, short, missing = (source.blob(repository, b"blob %d" % number) for number in range(3))
    layout = Layout(source.services.settings.storage_path)
    layout.blob(corrupt).write_bytes(b"BLOB 0")
    layout.blob(short).write_bytes(b"blob")
    layout.blob(missing).unlink()
    damaged = sorted(map(str, (corrupt, short, missing)))
    assert sorted(make(source, target).damaged) == damaged
    restored = restore(target, tmp_path / "new", tmp_path / "new", unwatched)
    assert (restored.blobs, restored.damaged) == (2, damaged)


def test_what_was_healed_is_in_the_next_backup_of_a_folder(source: Depot, tmp_path: Path) -> None:
    target, digest = tmp_path / "backup", source.blob(source.repository(1), b"blob")
    file = Layout(source.services.settings.storage_path).blob(digest)
    file.write_bytes(b"BLOB")
    assert make(source, target).damaged == [str(digest)]
    file.write_bytes(b"blob")
    make(source, target)
    assert restore(target, tmp_path / "new", tmp_path / "new", unwatched).damaged == []


def test_a_folder_keeps_its_copy_of_what_was_damaged_since(source: Depot, tmp_path: Path) -> None:
    target, digest = tmp_path / "backup", source.blob(source.repository(1), b"blob")
    make(source, target)
    Layout(source.services.settings.storage_path).blob(digest).unlink()
    source.execute(sa.update(tables.blobs).where(tables.blobs.c.digest == str(digest)).values(quarantined_at_ms=1))
    make(source, target)
    assert (target / blob_name(digest)).read_bytes() == b"blob"


def test_a_folder_that_is_not_empty_is_not_restored_into(source: Depot, target: Path, tmp_path: Path) -> None:
    make(source, target)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").touch()
    with pytest.raises(Conflict, match="not empty"):
        restore(target, tmp_path / "new", tmp_path / "new", unwatched)
    assert (tmp_path / "new" / "mine").exists()


def test_a_folder_with_something_else_is_not_backed_up_into(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(Conflict, match="holds no backup"):
        FolderArchive(tmp_path)


@pytest.mark.parametrize("keep", [0, 100, 3000, 200_000, -10_000])
def test_a_tar_that_was_cut_short_leaves_the_folder_empty(source: Depot, tmp_path: Path, keep: int) -> None:
    target = tmp_path / "backup.tar"
    make(source, target)
    target.write_bytes(target.read_bytes()[:keep])
    with pytest.raises(CorruptContent):
        restore(target, tmp_path / "new", tmp_path / "new", unwatched)
    assert not list((tmp_path / "new").iterdir())


def test_a_folder_whose_backup_did_not_end_is_refused(source: Depot, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    make(source, target)
    (target / "backup.json").unlink()
    with pytest.raises(CorruptContent, match=r"has no backup\.json"):
        restore(target, tmp_path / "new", tmp_path / "new", unwatched)


def test_a_damaged_database_is_refused(source: Depot, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    make(source, target)
    with (target / "roadstead.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    with pytest.raises(CorruptContent, match="database"):
        restore(target, tmp_path / "new", tmp_path / "new", unwatched)


def test_a_backup_of_a_later_format_is_refused(source: Depot, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    make(source, target)
    statement = json.loads((target / "backup.json").read_text())
    (target / "backup.json").write_text(json.dumps({**statement, "format": 2, "version": "9.9"}))
    with pytest.raises(Misuse, match=r"restore it with Roadstead 9\.9"):
        restore(target, tmp_path / "new", tmp_path / "new", unwatched)


def test_no_backup_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unknown):
        restore(tmp_path / "nowhere", tmp_path / "new", tmp_path / "new", unwatched)


def test_names_in_a_tar_that_lead_elsewhere_are_passed_over(source: Depot, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    make(source, target)
    evil = io.BytesIO(b"evil")
    with tarfile.open(target, "a") as tar:
        for name in ("../evil", "/tmp/evil", "docker/registry/v2/blobs/sha256/../../evil/data"):
            member = tarfile.TarInfo(name)
            member.size = 4
            evil.seek(0)
            tar.addfile(member, evil)
    restore(target, tmp_path / "new", tmp_path / "new", unwatched)
    assert not list(tmp_path.rglob("evil*"))


def test_collecting_waits_for_a_backup(source: Depot) -> None:
    with upkeep.leased(source.services, upkeep.COLLECTING):
        command = upkeep.leased(source.services, upkeep.COLLECTING)
        with pytest.raises(Conflict, match="backup"), command:
            pass


@pytest.mark.peer("postgresql")
def test_postgresql_has_backups_of_its_own(postgres: Postgres, tmp_path: Path) -> None:
    with (
        depot(tmp_path / "data", database_url=postgres.new_database()) as opened,
        pytest.raises(Unsupported, match="pg_dump"),
    ):
        upkeep.sqlite_file(opened.services)


def test_the_database_in_it_holds_secrets_and_is_for_its_owner_alone(source: Depot, tmp_path: Path) -> None:
    make(source, tmp_path / "backup")
    assert (tmp_path / "backup" / "roadstead.db").stat().st_mode & 0o077 == 0
    digest = next(iter(stored(source)))
    blob = Layout(tmp_path / "backup").blob(Digest.parse(digest))
    assert blob.stat().st_mode & 0o077 == 0
