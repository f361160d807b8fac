"""What is special of the store on a disk: distribution's layout, and other people's files in it."""

from pathlib import Path

import pytest

from roadstead.core.errors import Unavailable
from roadstead.core.oci.digest import Digest
from tests.rig.hold import Hold


def test_the_layout_is_distributions(hold: Hold) -> None:
    digest = hold.push(b"content")
    path = hold.data / f"docker/registry/v2/blobs/sha256/{digest.hex[:2]}/{digest.hex}/data"
    assert path.read_bytes() == b"content"
    assert hold.store.path(digest) == path
    assert [str(file.relative_to(hold.data)) for file in hold.data.rglob("*") if file.is_file()] == [
        str(path.relative_to(hold.data))
    ], "nothing else is left of a finished upload"


def test_names_that_are_no_digest_are_passed_over(hold: Hold) -> None:
    digest = hold.push(b"content")
    blobs = hold.data / "docker/registry/v2/blobs"
    for foreign in ("sha256/ab/README", "sha256/xx/data", "md5/ab/abc/data", f"sha256/00/{'1' * 64}/data"):
        (blobs / foreign).parent.mkdir(parents=True, exist_ok=True)
        (blobs / foreign).write_text("not ours")
    (blobs / f"sha256/11/{'1' * 64}").mkdir(parents=True)
    (blobs / "sha256/stray").write_text("not ours")
    assert list(hold.stored()) == [digest]


def test_a_removal_leaves_folders_that_others_use(hold: Hold) -> None:
    digest = hold.push(b"content")
    path = hold.store.path(digest)
    assert path is not None
    (path.parent / "note").write_text("not ours")
    assert hold.store.remove(digest)
    assert (path.parent / "note").read_text() == "not ours"


def test_a_folder_where_the_file_should_be_is_the_disks_failure(hold: Hold, tmp_path: Path) -> None:
    digest = Digest.of(b"content")
    path = hold.store.path(digest)
    assert path is not None
    path.mkdir(parents=True)
    source = hold.data / "uploads" / "source"
    source.write_bytes(b"content")
    with pytest.raises(Unavailable, match="disk"):
        hold.store.publish(source, digest)
