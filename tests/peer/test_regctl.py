"""regctl: tags, indexes, artifacts with referrers, blobs in chunks."""

import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.regctl import Regctl
from tests.rig.images import Images
from tests.rig.layout import sha256

pytestmark = pytest.mark.peer("regctl", "busybox")

SPDX = "application/spdx+json"


@pytest.fixture
def pushed(regctl: Regctl, image: str, images: Images) -> str:
    """An image of three platforms, `…:1`, in the registry."""
    regctl.run("image", "copy", f"ocidir://{images.multi_platform.folder}:1", f"{image}:1")
    return f"{image}:1"


def test_an_image_is_copied_in_and_out(regctl: Regctl, pushed: str, tmp_path: Path, images: Images) -> None:
    regctl.run("image", "copy", pushed, f"ocidir://{tmp_path / 'out'}:1")
    original = json.loads((images.multi_platform.folder / "index.json").read_text())["manifests"][0]["digest"]
    assert regctl.run("manifest", "head", pushed).strip() == original
    assert json.loads((tmp_path / "out" / "index.json").read_text())["manifests"][0]["digest"] == original


def test_tags_are_listed_and_deleted_alone(regctl: Regctl, pushed: str, image: str) -> None:
    regctl.run("image", "copy", pushed, f"{image}:2")
    assert regctl.run("tag", "ls", image).split() == ["1", "2"]
    regctl.run("tag", "delete", f"{image}:1")
    assert regctl.run("tag", "ls", image).split() == ["2"]


def test_tags_are_listed_by_pages(regctl: Regctl, registry: Registry, pushed: str, image: str) -> None:
    names = sorted(f"t{number}" for number in range(7))
    for tag in names:
        regctl.run("image", "copy", pushed, f"{image}:{tag}")
    assert regctl.run("tag", "ls", "--limit=3", image).split() == ["1", "t0", "t1"]
    assert regctl.run("tag", "ls", "--limit=3", "--last=t1", image).split() == ["t2", "t3", "t4"]


def test_an_index_is_made_of_what_is_there(regctl: Regctl, pushed: str, image: str) -> None:
    regctl.run("index", "create", f"{image}:two", "--ref", pushed, "--platform=linux/amd64", "--platform=linux/arm64")
    made = json.loads(regctl.run("manifest", "get", "--format=raw-body", f"{image}:two"))
    assert {one["platform"]["architecture"] for one in made["manifests"]} == {"amd64", "arm64"}


def test_an_sbom_refers_to_its_image(
    regctl: Regctl, registry: Registry, pushed: str, image: str, tmp_path: Path
) -> None:
    put = ["artifact", "put", f"--artifact-type={SPDX}", f"--subject={pushed}", "--annotation=by=regctl"]
    regctl.run(*put, stdin='{"spdxVersion": "SPDX-2.3"}')
    other = ["artifact", "put", "--artifact-type=application/vnd.example.other", f"--subject={pushed}"]
    regctl.run(*other, stdin="other")

    listed = json.loads(regctl.run("artifact", "list", "--format=body", pushed))
    assert {one["artifactType"] for one in listed["manifests"]} == {SPDX, "application/vnd.example.other"}
    chosen = ["artifact", "list", f"--filter-artifact-type={SPDX}", "--format={{jsonPretty .Descriptors}}", pushed]
    (only,) = json.loads(regctl.run(*chosen))
    assert only["annotations"]["by"] == "regctl"
    assert regctl.run("artifact", "get", f"{image}@{only['digest']}") == '{"spdxVersion": "SPDX-2.3"}'
    # A registry that has the referrers API needs no fallback tag.
    if registry.server:
        assert regctl.run("tag", "ls", image).split() == ["1"]


def test_referrers_are_copied_with_their_image(regctl: Regctl, pushed: str, image: str) -> None:
    regctl.run("artifact", "put", f"--artifact-type={SPDX}", f"--subject={pushed}", stdin="{}")
    regctl.run("image", "copy", "--referrers", pushed, f"{image}/copy:1")
    listed = json.loads(regctl.run("artifact", "list", "--format=body", f"{image}/copy:1"))
    assert [one["artifactType"] for one in listed["manifests"]] == [SPDX]


def test_artifacts_may_stand_alone(regctl: Regctl, image: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes\n")
    put = ["artifact", "put", "--artifact-type=application/vnd.example.notes", "-f", "notes.txt"]
    regctl.run(*put, "--file-title", f"{image}:notes", cwd=tmp_path)
    assert regctl.run("artifact", "get", "-f", "notes.txt", f"{image}:notes") == "notes\n"


def test_blobs_are_put_in_chunks(regctl: Regctl, registry: Registry, image: str) -> None:
    chunks = ["--blob-chunk=1000", "--blob-max=1"]
    regctl.run("registry", "set", registry.host, "--tls=disabled", "--skip-check", *chunks)
    content = "0123456789" * 1_234
    digest = sha256(content.encode())
    assert regctl.run("blob", "put", image, stdin=content).strip() == digest
    assert regctl.run("blob", "get", image, digest) == content
    assert f"Content-Length: {len(content)}" in regctl.run("blob", "head", image, digest)


def test_a_blob_is_deleted(regctl: Regctl, image: str) -> None:
    digest = regctl.run("blob", "put", image, stdin="soon gone").strip()
    regctl.run("blob", "delete", image, digest)
    with pytest.raises(ClientFailed, match=r"not found"):
        regctl.run("blob", "get", image, digest)


def test_a_manifest_is_deleted(regctl: Regctl, pushed: str, image: str) -> None:
    digest = regctl.run("manifest", "head", pushed).strip()
    regctl.run("manifest", "delete", f"{image}@{digest}")
    with pytest.raises(ClientFailed, match=r"not found"):
        regctl.run("manifest", "get", pushed)


def test_repositories_are_listed(regctl: Regctl, registry: Registry, pushed: str, name: str) -> None:
    assert name in regctl.run("repo", "ls", registry.host).split()
