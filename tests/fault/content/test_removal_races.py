"""A removal beside a publishing of the same digest: whoever comes last decides, and neither fails."""

import threading
from pathlib import Path

from roadstead.content.disk import DiskStore
from roadstead.core.oci.digest import Digest

DIGEST = Digest.of(b"one blob")
ROUNDS = 500


def test_publishing_beside_removals_never_fails(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"one blob")
    ended = threading.Event()

    def remove() -> None:
        store = DiskStore(tmp_path)
        while not ended.is_set():
            store.remove(DIGEST)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        store = DiskStore(tmp_path)
        for _ in range(ROUNDS):
            store.publish(source, DIGEST)
    finally:
        ended.set()
        remover.join()
    store.publish(source, DIGEST)
    assert store.stat(DIGEST) == len(b"one blob")
