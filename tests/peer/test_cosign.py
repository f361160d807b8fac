"""cosign: signatures, SBOMs and attestations, kept beside the image under tags, or as referrers."""

import base64
import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.cosign import Cosign
from tests.rig.clients.regctl import Regctl
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images

pytestmark = pytest.mark.peer("cosign", "skopeo", "regctl", "busybox")

OFFLINE = ["--tlog-upload=false", "--allow-http-registry", "--yes"]
CHECK = ["--insecure-ignore-tlog=true", "--allow-http-registry"]
SPDX = '{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "tests", "packages": []}'


@pytest.fixture
def pushed(skopeo: Skopeo, image: str, images: Images) -> str:
    """A pushed image by its digest."""
    skopeo.push(images.single, f"{image}:1")
    told = json.loads(skopeo.run("inspect", "--tls-verify=false", f"docker://{image}:1"))
    return f"{image}@{told['Digest']}"


def _keys(cosign: Cosign) -> tuple[str, str]:
    return f"--key={cosign.home / 'cosign.key'}", f"--key={cosign.home / 'cosign.pub'}"


def test_a_signature_verifies(cosign: Cosign, pushed: str) -> None:
    private, public = _keys(cosign)
    with pytest.raises(ClientFailed, match=r"no signatures found"):
        cosign.run("verify", public, *CHECK, pushed)
    cosign.run("sign", private, *OFFLINE, pushed)
    (verified,) = json.loads(cosign.run("verify", public, *CHECK, pushed))
    assert verified["critical"]["image"]["docker-manifest-digest"] == pushed.rpartition("@")[2]


def test_a_signature_by_another_key_does_not(cosign: Cosign, registry: Registry, pushed: str, tmp_path: Path) -> None:
    other = Cosign(tmp_path / "other")
    other.login(registry.host, registry.alice)
    other.make_keys()
    cosign.run("sign", _keys(cosign)[0], *OFFLINE, pushed)
    with pytest.raises(ClientFailed, match=r"no matching signatures"):
        other.run("verify", _keys(other)[1], *CHECK, pushed)


def test_a_signature_as_referrer(cosign: Cosign, regctl: Regctl, registry: Registry, pushed: str) -> None:
    private, public = _keys(cosign)
    cosign.environment["COSIGN_EXPERIMENTAL"] = "1"
    cosign.run("sign", private, *OFFLINE, "--registry-referrers-mode=oci-1-1", pushed)
    listed = json.loads(regctl.run("artifact", "list", "--format=body", pushed))
    assert [one["artifactType"] for one in listed["manifests"]] == ["application/vnd.dev.cosign.artifact.sig.v1+json"]
    cosign.run("verify", public, *CHECK, "--experimental-oci11", pushed)


def test_all_platforms_are_signed(cosign: Cosign, skopeo: Skopeo, image: str, images: Images) -> None:
    skopeo.push(images.multi_platform, f"{image}:1")
    index = json.loads(skopeo.run("inspect", "--raw", "--tls-verify=false", f"docker://{image}:1"))
    private, public = _keys(cosign)
    cosign.run("sign", private, *OFFLINE, "--recursive", f"{image}:1")
    for platform in index["manifests"]:
        cosign.run("verify", public, *CHECK, f"{image}@{platform['digest']}")


def test_an_sbom_is_attached(cosign: Cosign, pushed: str, tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text(SPDX)
    attach = ["--allow-http-registry", f"--sbom={tmp_path / 'sbom.json'}", "--type=spdx", "--input-format=json"]
    cosign.run("attach", "sbom", *attach, pushed)
    assert cosign.run("download", "sbom", "--allow-http-registry", pushed).strip() == SPDX


def test_an_attestation_verifies(cosign: Cosign, pushed: str, tmp_path: Path) -> None:
    private, public = _keys(cosign)
    (tmp_path / "sbom.json").write_text(SPDX)
    cosign.run("attest", private, *OFFLINE, "--type=spdxjson", f"--predicate={tmp_path / 'sbom.json'}", pushed)
    verified = json.loads(cosign.run("verify-attestation", public, *CHECK, "--type=spdxjson", pushed))
    statement = json.loads(base64.b64decode(verified["payload"]))
    assert statement["predicate"]["spdxVersion"] == "SPDX-2.3"
    assert "SBOM" in cosign.run("tree", "--allow-http-registry", pushed) or "Attestations" in cosign.said + cosign.run(
        "tree", "--allow-http-registry", pushed
    )


def test_an_image_is_copied_with_its_signature(cosign: Cosign, pushed: str, image: str) -> None:
    private, public = _keys(cosign)
    cosign.run("sign", private, *OFFLINE, pushed)
    cosign.run("copy", "--allow-http-registry", pushed, f"{image}/copy:1")
    cosign.run("verify", public, *CHECK, f"{image}/copy:1")
