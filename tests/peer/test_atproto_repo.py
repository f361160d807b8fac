"""Repositories of ours, read by the reference implementation (npm `@atproto/repo`)."""

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.core.atproto.multikey import did_key
from tests.peers.table import PEERS
from tests.rig.repository import MemoryRepository, delete, put

pytestmark = pytest.mark.peer("atproto")


def _verify(car: Path, did: str, key: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", PEERS["atproto"].program, car, did, key], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def repository() -> MemoryRepository:
    """One that has seen hundreds of commits: records put, replaced and deleted."""
    ours = MemoryRepository("did:web:alice.example.com")
    for number in range(300):
        digest = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" * 4
        ours.commit(
            put(f"io.atcr.manifest/{digest}", digest=f"sha256:{digest}", schemaVersion=2, layers=[]),
            put(f"io.atcr.tag/app_v{number % 20}", tag=f"v{number % 20}", manifestDigest=f"sha256:{digest}"),
        )
        if number % 3 == 0:
            ours.commit(delete(f"io.atcr.manifest/{digest}"))
    return ours


def test_it_accepts_a_whole_repository(repository: MemoryRepository, tmp_path: Path) -> None:
    car = tmp_path / "alice.car"
    car.write_bytes(repository.car())
    done = _verify(car, str(repository.did), repository.did_key)
    assert done.returncode == 0, done.stderr
    assert repository.head
    assert json.loads(done.stdout) == {
        "commit": str(repository.head.cid),
        "rev": str(repository.head.rev),
        "records": {path: str(cid) for path, cid in repository.tree.leaves()},
    }


def test_it_accepts_a_repository_without_records(tmp_path: Path) -> None:
    ours = MemoryRepository()
    ours.commit()
    car = tmp_path / "empty.car"
    car.write_bytes(ours.car())
    done = _verify(car, str(ours.did), ours.did_key)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records"] == {}


def test_it_refuses_another_key(repository: MemoryRepository, tmp_path: Path) -> None:
    """So that the tests above cannot pass for want of a check."""
    car = tmp_path / "alice.car"
    car.write_bytes(repository.car())
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert _verify(car, str(repository.did), did_key(stranger)).returncode != 0
