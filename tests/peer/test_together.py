"""Several clients at once: one pushes while others pull, two push the same layers, two push one tag."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.crane import Crane
from tests.rig.clients.regctl import Regctl
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import MIB, Images
from tests.rig.layout import Layout, noise, tar_of

pytestmark = pytest.mark.peer("skopeo", "crane", "regctl", "busybox")


def _layouts(folder: Path, count: int) -> list[Layout]:
    """Images that share a layer of 8 MiB, each with one of its own."""
    made = []
    for number in range(count):
        layout = Layout(folder / f"layout{number}")
        layers = [layout.tar_layer(tar_of({"shared": noise(8 * MIB, seed=7)}))]
        layers.append(layout.tar_layer(tar_of({"own": noise(MIB, seed=number)})))
        layout.tag(layout.image(layers), "1")
        made.append(layout)
    return made


def test_one_pushes_while_another_pulls(
    skopeo: Skopeo, crane: Crane, regctl: Regctl, image: str, images: Images, tmp_path: Path
) -> None:
    """A moving tag is always a whole image: the one before, or the next."""
    layouts = _layouts(tmp_path, 6)
    skopeo.push(layouts[0], f"{image}:moving")

    def push() -> None:
        for layout in layouts[1:]:
            skopeo.push(layout, f"{image}:moving")

    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(push)
        pulled = set()
        round_ = 0
        while not pushing.done() or round_ == 0:
            crane.run("validate", "--remote", f"{image}:moving")
            target = tmp_path / f"pulled{round_}"
            regctl.run("image", "copy", f"{image}:moving", f"ocidir://{target}:1")
            pulled.add(json.loads((target / "index.json").read_text())["manifests"][0]["digest"])
            round_ += 1
        pushing.result()
    assert pulled <= {layout.digest for layout in layouts}
    assert crane.run("digest", f"{image}:moving").strip() == layouts[-1].digest


def test_the_same_layers_by_several_at_once(registry: Registry, image: str, tmp_path: Path) -> None:
    layouts = _layouts(tmp_path, 4)

    def push(number: int) -> None:
        client = Skopeo(tmp_path / f"home{number}")
        client.login(registry.host, registry.alice)
        client.push(layouts[number], f"{image}/of{number % 2}:{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(push, range(4)))
    reader = Crane(tmp_path / "reader")
    reader.login(registry.host, registry.alice)
    for number, layout in enumerate(layouts):
        assert reader.run("digest", f"{image}/of{number % 2}:{number}").strip() == layout.digest
        reader.run("validate", "--remote", f"{image}/of{number % 2}:{number}")


def test_one_tag_by_several_at_once(registry: Registry, image: str, tmp_path: Path) -> None:
    """The tag is one of them in the end, and every manifest is kept."""
    layouts = _layouts(tmp_path, 4)

    def push(number: int) -> None:
        client = Crane(tmp_path / f"home{number}")
        client.login(registry.host, registry.alice)
        client.run("push", str(layouts[number].folder), f"{image}:1")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(push, range(4)))
    reader = Crane(tmp_path / "reader")
    reader.login(registry.host, registry.alice)
    digests = [layout.digest for layout in layouts]
    assert reader.run("digest", f"{image}:1").strip() in digests
    for digest in digests:
        reader.run("validate", "--remote", f"{image}@{digest}")
