"""What a power cut may take: the order in which bytes and names are synced.

No kill can show that, as the kernel lives on. So the calls are watched, and the rules of a file system are held against
them: bytes are on disk when their file was synced after they were written; a name is, when its folder was synced after
it was made.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadstead.core.oci.digest import Digest
from tests.rig.hold import Hold, patterned


class Watch:
    """Which files have bytes, and which folders have names, that a power cut would take now."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.unsynced: set[Path] = set()
        self.linked_unsynced: list[Path] = []
        self._blobs = data / "docker"
        self._on(monkeypatch, "pwritev", lambda file, *_: self._touch(_path_of(file)))
        self._on(monkeypatch, "pwrite", lambda file, *_: self._touch(_path_of(file)))
        self._on(monkeypatch, "mkdir", lambda path, *_, **__: self._touch(Path(path).parent))
        self._on(monkeypatch, "link", self._named)
        self._on(monkeypatch, "rename", self._named)
        self._on(monkeypatch, "replace", self._named)
        self._on(monkeypatch, "fsync", lambda file: self.unsynced.discard(_path_of(file)))
        self._on(monkeypatch, "fdatasync", lambda file: self.unsynced.discard(_path_of(file)))

    @property
    def at_risk(self) -> set[Path]:
        """Of the store alone: a session's own folder may be lost with a machine."""
        return {path for path in self.unsynced if path.is_relative_to(self._blobs) or path == self._blobs.parent}

    def _named(self, source: Any, target: Any, **_: Any) -> None:
        path = Path(target)
        if path.is_relative_to(self._blobs):
            if {self._inode(path)} & {self._inode(one) for one in self.unsynced}:
                self.linked_unsynced.append(path)
            self._touch(path.parent)

    def _touch(self, path: Path) -> None:
        self.unsynced.add(path)

    @staticmethod
    def _inode(path: Path) -> int:
        return path.stat().st_ino if path.exists() else -1

    @staticmethod
    def _on(monkeypatch: pytest.MonkeyPatch, name: str, seen: Callable[..., None]) -> None:
        call = getattr(os, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            seen(*args, **kwargs)
            return result

        monkeypatch.setattr(os, name, watched)


def _path_of(file: int) -> Path:
    return Path(f"/proc/self/fd/{file}").readlink()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("size_bytes", [0, 1, 3_000_000])
def test_all_is_on_disk_before_it_can_be_made_known(
    data: Path, size_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = patterned(size_bytes)
    watch = Watch(data, monkeypatch)
    with Hold(data) as hold:
        for upload_id in ("first", "replaces-the-first"):
            hold.create(upload_id)
            hold.receive(upload_id, content)
            verified = hold.verify(upload_id, Digest.of(content))
            assert (watch.at_risk, watch.linked_unsynced) == (set(), [])
            hold.uploads.publish(verified)
            assert watch.at_risk == set()


def test_so_is_what_comes_in_one_request(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(data, monkeypatch)
    with Hold(data) as hold:
        hold.receive_whole("a", Digest.of(b"content"), b"content")
        assert (watch.at_risk, watch.linked_unsynced) == (set(), [])


def test_and_what_is_put_back_after_a_garbage_collection(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hold(data) as hold:
        verified = hold.receive_whole("a", Digest.of(b"content"), b"content")
        hold.store.remove(verified.digest)
        watch = Watch(data, monkeypatch)
        hold.uploads.publish(verified)
        assert (watch.at_risk, watch.linked_unsynced) == (set(), [])


def test_the_quarantine_keeps_what_it_was_given(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hold(data) as hold:
        digest = hold.push(b"content")
        path = hold.store.path(digest)
        assert path is not None
        path.write_bytes(b"CONTENT")
        check = hold.store.check(digest)
        assert check is not None
        watch = Watch(data, monkeypatch)
        assert hold.store.quarantine(check)
        assert watch.unsynced <= {path.parent}, "whose removal is not awaited"
