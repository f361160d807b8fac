"""Removal of dead manifests: their records go with them, in whatever store they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadstead.app import upkeep
from roadstead.index import clock, tables
from roadstead.registry.expiry import Expiry
from roadstead.upkeep.collect import Collector, Terms
from roadstead.upkeep.lease import Lease
from tests.rig.depot import Depot, depot

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Depot]:
    with depot(tmp_path / "data") as opened:
        opened.account()
        yield opened


def collect(depot: Depot, days_later: int) -> int:
    """Collects at a later time; how many manifests went."""
    services = depot.services
    expiry = Expiry(services.database, services.stores)
    terms = Terms(grace_ms=DAY_MS, untagged_ms=3 * DAY_MS, backlog_ms=DAY_MS, upload_ms=DAY_MS)
    collector = Collector(
        services.database,
        services.store,
        services.uploads,
        expiry,
        terms,
        lambda: clock.now_ms() + days_later * DAY_MS,
    )
    return asyncio.run(collector.run(Lease())).manifests


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_untagged_manifests_go_with_their_records(filled: Depot, visibility: str) -> None:
    repository = filled.repository(1, "app", visibility)
    kept = filled.image(repository, b"kept", "1")
    referrer = filled.image(repository, b"signature", subject=kept)
    gone = filled.image(repository, b"gone")
    filled.image(repository, b"signature of gone", subject=gone)
    assert collect(filled, days_later=2) == 0
    assert collect(filled, days_later=4) == 2
    rows = filled.dump("manifests", "pds_records", "private_records", "manifest_contents", "pds_blobs")
    assert {row[1] for row in rows["manifests"]} == {str(kept), str(referrer)}
    records = rows["pds_records" if visibility == "public" else "private_records"]
    assert {row[2] for row in records if row[1] == "io.atcr.manifest"} == {kept.hex, referrer.hex}
    assert {row[0] for row in rows["manifest_contents"]} == {kept.hex, referrer.hex}
    assert len(rows["pds_blobs"]) == (2 if visibility == "public" else 0)
    assert not asyncio.run(upkeep.scrubber(filled.services).run(Lease())).findings


def test_what_is_needed_after_all_stays(filled: Depot) -> None:
    repository = filled.repository(1)
    digest = filled.image(repository)
    expiry = Expiry(filled.services.database, filled.services.stores)
    assert not asyncio.run(expiry(repository.id, str(digest), lambda _connection: False))
    assert not asyncio.run(expiry(repository.id, "sha256:" + "0" * 64, lambda _connection: True))
    assert not asyncio.run(expiry(99, str(digest), lambda _connection: True))
    assert asyncio.run(expiry(repository.id, str(digest), lambda _connection: True))
    assert filled.dump(tables.manifests.name) == {"manifests": []}
