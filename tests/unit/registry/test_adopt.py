"""Adopting the folder of a distribution registry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from roadstead.app import upkeep
from roadstead.content.adopting import Way
from roadstead.content.distribution import Distribution
from roadstead.core.errors import Unknown
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from roadstead.index import links
from roadstead.registry.adopt import Report
from roadstead.upkeep.lease import Lease
from tests.rig.depot import Depot, depot


class Written:
    """A folder as distribution writes it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "docker" / "registry" / "v2"
        (self.root / "repositories").mkdir(parents=True)
        (self.root / "blobs").mkdir()

    def blob(self, content: bytes, *repositories: str) -> Digest:
        digest = Digest.of(content)
        self.path(digest).parent.mkdir(parents=True, exist_ok=True)
        self.path(digest).write_bytes(content)
        for repository in repositories:
            self._link(f"{repository}/_layers/sha256/{digest.hex}/link", digest)
        return digest

    def manifest(self, repository: str, fields: dict[str, object], *tags: str) -> Digest:
        digest = self.blob(json.dumps(fields).encode())
        self._link(f"{repository}/_manifests/revisions/sha256/{digest.hex}/link", digest)
        for tag in tags:
            self._link(f"{repository}/_manifests/tags/{tag}/current/link", digest)
            self._link(f"{repository}/_manifests/tags/{tag}/index/sha256/{digest.hex}/link", digest)
        return digest

    def image(self, repository: str, content: bytes, *tags: str, media_type: str | None = OCI_MANIFEST) -> Digest:
        config, layer = self.blob(b'{"os":"linux","architecture":"s390x"}', repository), self.blob(content, repository)
        fields: dict[str, object] = {
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": str(config), "size": 37},
            "layers": [{"mediaType": "a/b", "digest": str(layer), "size": len(content)}],
        }
        if media_type:
            fields["mediaType"] = media_type
        return self.manifest(repository, fields, *tags)

    def index(self, repository: str, children: Sequence[Digest], *tags: str) -> Digest:
        manifests = [{"mediaType": OCI_MANIFEST, "digest": str(child), "size": 1} for child in children]
        return self.manifest(repository, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}, *tags)

    def path(self, digest: Digest) -> Path:
        return self.root / "blobs" / digest.algorithm / digest.hex[:2] / digest.hex / "data"

    def _link(self, name: str, digest: Digest) -> None:
        path = self.root / "repositories" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(digest))


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path / "registry")


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Depot]:
    with depot(tmp_path / "data") as opened:
        opened.account()
        yield opened


def adopt(ours: Depot, written: Written, way: Way = Way.AUTO) -> Report:
    adoption = upkeep.adoption(ours.services)
    account = upkeep.account(ours.services, "alice")
    return asyncio.run(adoption.run(Distribution(written.root), account, way, lambda _done, _whole, _what: None))


def reasons(report: Report) -> dict[str, str]:
    return {problem.subject: problem.reason for problem in report.problems}


def test_repositories_tags_manifests_and_blobs_come_over(ours: Depot, written: Written) -> None:
    images = [written.image("library/app", b"one"), written.image("library/app", b"two", "two", media_type=None)]
    index = written.index("library/app", images, "latest", "1.0")
    report = adopt(ours, written)
    assert (report.repositories, report.manifests, report.tags, report.links, report.blobs) == (1, 3, 3, 3, 3)
    assert report.problems == []
    rows = ours.dump("repositories", "manifests", "tags", "blobs")
    assert [row[2] for row in rows["repositories"]] == ["library/app"]
    assert {row[1] for row in rows["manifests"]} == {*map(str, images), str(index)}
    assert {row[8] for row in rows["manifests"]} == {"linux/s390x", None}
    assert [(row[1], row[2]) for row in rows["tags"]] == [
        ("1.0", str(index)),
        ("latest", str(index)),
        ("two", str(images[1])),
    ]
    assert {row[3] for row in rows["blobs"]} == {"adopted"}
    before = ours.dump()
    assert ours.reindex().skipped == []
    assert ours.dump() == before


def test_it_can_be_done_again(ours: Depot, written: Written) -> None:
    written.image("app", b"one", "1")
    adopt(ours, written)
    before = ours.dump("manifests", "tags", "blobs", "pds_records", "pds_repositories")
    report = adopt(ours, written)
    assert (report.blobs, report.manifests, report.problems) == (0, 0, [])
    assert ours.dump("manifests", "tags", "blobs", "pds_records", "pds_repositories") == before
    written.image("app", b"two", "1")
    report = adopt(ours, written)
    assert (report.blobs, report.manifests, report.tags) == (1, 1, 1)


@pytest.mark.parametrize(("way", "names"), [(Way.AUTO, 2), (Way.LINK, 2), (Way.COPY, 1)])
def test_blobs_are_linked_or_copied(ours: Depot, written: Written, way: Way, names: int) -> None:
    digest = written.blob(b"layer", "app")
    adopt(ours, written, way)
    assert written.path(digest).stat().st_nlink == names
    path = ours.services.store.path(digest)
    assert path is not None
    assert path.read_bytes() == b"layer"
    assert not list(ours.services.settings.storage_path.glob("adopt-*"))


def test_a_folder_of_distribution_may_become_the_data_folder(tmp_path: Path) -> None:
    written = Written(tmp_path / "data")
    digest = written.image("app", b"layer", "1")
    with depot(tmp_path / "data") as ours:
        ours.account()
        report = adopt(ours, written)
        assert (report.manifests, report.problems) == (1, [])
        assert {row[1] for row in ours.dump()["manifests"]} == {str(digest)}
        findings = asyncio.run(upkeep.scrubber(ours.services).run(Lease())).findings
        assert {finding.kind for finding in findings} == {"stray"}, "manifests are blobs there, and no blobs here"


def test_what_is_corrupt_or_missing_is_told_and_left_out(ours: Depot, written: Written) -> None:
    corrupt, missing = written.blob(b"corrupt", "app"), written.blob(b"missing", "app")
    written.path(corrupt).write_bytes(b"CORRUPT")
    written.path(missing).unlink()
    damaged = written.image("app", b"fine", "damaged")
    written.path(damaged).write_bytes(b"{}")
    without = written.image("app", b"gone", "without")
    written.path(Digest.of(b"gone")).unlink()
    good = written.image("app", b"good", "good")
    old = written.manifest("app", {"schemaVersion": 1, "name": "app"}, "old")
    report = adopt(ours, written)
    assert {row[1] for row in ours.dump()["manifests"]} == {str(good)}
    told = reasons(report)
    digests = {str(digest) for digest in (corrupt, missing, damaged, without, old, Digest.of(b"gone"))}
    assert set(told) == {*digests, "damaged", "old"}
    assert "another digest" in told[str(corrupt)]
    assert "no file" in told[str(missing)]
    assert "lacks" in told[str(without)]
    assert not ours.services.database.read_now(lambda connection: links.sound(connection, str(corrupt)))


def test_an_index_whose_child_is_missing_is_told(ours: Depot, written: Written) -> None:
    index = written.index("app", [Digest.of(b"elsewhere")], "1")
    assert "lacks" in reasons(adopt(ours, written))[str(index)]


def test_what_was_deleted_there_does_not_come_over(ours: Depot, written: Written) -> None:
    digest = written.image("app", b"one", "1")
    base = written.root / "repositories" / "app" / "_manifests"
    (base / "revisions" / "sha256" / digest.hex / "link").unlink()
    (base / "tags" / "1" / "current" / "link").unlink()
    report = adopt(ours, written)
    assert (report.manifests, report.tags, report.problems) == (0, 0, [])


def test_the_accounts_own_name_is_not_doubled(ours: Depot, written: Written) -> None:
    for name in ("alice/app", "alice/tool", "tool", "nested/deep/er"):
        written.image(name, b"one", media_type=DOCKER_MANIFEST)
    adopt(ours, written)
    assert [row[2] for row in ours.dump("repositories")["repositories"]] == [
        "app",
        "alice/tool",
        "nested/deep/er",
        "tool",
    ]


def test_a_forecast_changes_nothing(ours: Depot, written: Written) -> None:
    images = [written.image("app", b"one", "1"), written.image("app", b"two")]
    written.index("app", images, "latest")
    forecast = upkeep.adoption(ours.services).forecast(
        Distribution(written.root), upkeep.account(ours.services, "alice")
    )
    assert ours.dump("repositories", "blobs", "manifests") == {"repositories": [], "blobs": [], "manifests": []}
    report = adopt(ours, written)
    for name in ("repositories", "manifests", "tags", "links", "blobs", "blob_bytes"):
        assert getattr(forecast, name) == getattr(report, name), name


def test_a_folder_of_something_else_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="rootdirectory"):
        Distribution.find(tmp_path)


def test_both_its_root_and_what_is_below_are_found(written: Written, tmp_path: Path) -> None:
    assert Distribution.find(tmp_path / "registry") == Distribution.find(written.root) == Distribution(written.root)


def test_an_unreadable_file_is_told(ours: Depot, written: Written) -> None:
    digest = written.blob(b"layer", "app")
    written.path(digest).unlink()
    written.path(digest).mkdir()
    assert "cannot be read" in reasons(adopt(ours, written))[str(digest)]
