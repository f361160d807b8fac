"""helm: a chart is pushed, shown and pulled."""

from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.helm import Helm

pytestmark = pytest.mark.peer("helm")


@pytest.fixture
def chart(helm: Helm, tmp_path: Path) -> Path:
    """A packaged chart, `anchor-1.2.3.tgz`."""
    folder = tmp_path / "anchor"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: anchor\nversion: 1.2.3\ndescription: holds a ship\n")
    (folder / "templates" / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: anchor}\n")
    helm.run("package", str(folder), "--destination", str(tmp_path))
    return tmp_path / "anchor-1.2.3.tgz"


def test_a_chart_is_pushed_shown_and_pulled(helm: Helm, chart: Path, image: str, tmp_path: Path) -> None:
    helm.run("push", "--plain-http", str(chart), f"oci://{image}")
    shown = helm.run("show", "chart", "--plain-http", f"oci://{image}/anchor", "--version=1.2.3")
    assert "description: holds a ship" in shown
    (tmp_path / "pulled").mkdir()
    helm.run("pull", "--plain-http", f"oci://{image}/anchor", "--version=1.2.3", "-d", str(tmp_path / "pulled"))
    assert (tmp_path / "pulled" / chart.name).read_bytes() == chart.read_bytes()


def test_the_newest_version_in_a_range_is_found_by_tags(helm: Helm, chart: Path, image: str, tmp_path: Path) -> None:
    for version in ("1.2.3", "1.3.0", "2.0.0"):
        helm.run("package", str(tmp_path / "anchor"), f"--version={version}", "--destination", str(tmp_path))
        helm.run("push", "--plain-http", str(tmp_path / f"anchor-{version}.tgz"), f"oci://{image}")
    assert "version: 1.3.0" in helm.run("show", "chart", "--plain-http", f"oci://{image}/anchor", "--version=^1.0")


def test_a_chart_is_rendered_from_the_registry(helm: Helm, chart: Path, image: str) -> None:
    helm.run("push", "--plain-http", str(chart), f"oci://{image}")
    assert "kind: ConfigMap" in helm.run("template", "--plain-http", "x", f"oci://{image}/anchor")


def test_a_wrong_password_is_refused(registry: Registry, tmp_path: Path) -> None:
    stranger = Helm(tmp_path / "stranger")
    with pytest.raises(ClientFailed, match=r"(?i)unauthorized|denied"):
        stranger.run("registry", "login", registry.host, "--insecure", "-u", "alice", "-p", "wrong")
