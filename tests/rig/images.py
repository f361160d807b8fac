"""The images that the tests push: made once a session, from busybox and noise."""

import secrets
from functools import cached_property
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.layout import Layout, noise, tar_of

MIB = 1024 * 1024
_APPLETS = ("sh", "cat", "echo", "ls", "sleep", "test", "true", "wget")


def busybox_root() -> bytes:
    """The tar of a root file system in which a shell runs (2 MB). Needs the peer `busybox`.

    It is another one every time: podman, buildah and skopeo remember, for the whole machine, in which form a registry
    has a layer, and would push a known one as it was pushed before.
    """
    applets = {f"bin/{name}": "busybox" for name in _APPLETS}
    files = {"bin/busybox": PEERS["busybox"].program.read_bytes(), "etc/passwd": b"root:x:0:0::/:/bin/sh\n"}
    applets = {f"bin/{name}": "busybox" for name in _APPLETS}
    return tar_of(files | applets | {"etc/machine-id": secrets.token_hex(16).encode()})


class Images:
    """Layout folders, each made when it is first asked for; `oci:FOLDER:1` names the image in each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _new(self, name: str) -> Layout:
        return Layout(self._folder / name)

    @cached_property
    def single(self) -> Layout:
        """One small layer."""
        layout = self._new("single")
        layer = layout.tar_layer(tar_of({"hello": b"hello from the roadstead\n"}))
        layout.tag(layout.image([layer]), "1")
        return layout

    @cached_property
    def ten_layers(self) -> Layout:
        """Ten layers of 1 MiB that do not compress."""
        layout = self._new("ten-layers")
        layers = [layout.tar_layer(tar_of({f"file{n}": noise(MIB, seed=n)})) for n in range(10)]
        layout.tag(layout.image(layers), "1")
        return layout

    @cached_property
    def multi_platform(self) -> Layout:
        """An index of amd64, arm64 and riscv64, which share their lower layer."""
        layout = self._new("multi-platform")
        shared = layout.tar_layer(tar_of({"shared": noise(1000, seed=100)}))
        platforms = [
            layout.image([shared, layout.tar_layer(tar_of({"platform": name.encode()}))], architecture=name)
            for name in ("amd64", "arm64", "riscv64")
        ]
        layout.tag(layout.index(platforms), "1")
        return layout

    @cached_property
    def zstd(self) -> Layout:
        """A layer compressed by Zstandard, above one by gzip."""
        layout = self._new("zstd")
        lower = layout.tar_layer(tar_of({"lower": noise(1000, seed=200)}))
        upper = layout.tar_layer(tar_of({"upper": noise(300_000, seed=201)}), compression="zstd")
        layout.tag(layout.image([lower, upper]), "1")
        return layout

    @cached_property
    def docker_schema2(self) -> Layout:
        """Docker's manifest v2, schema 2 (which layouts may hold, though not every tool reads it from one)."""
        layout = self._new("docker-schema2")
        layer = layout.tar_layer(tar_of({"docker": noise(1000, seed=300)}), docker=True)
        layout.tag(layout.image([layer], docker=True), "1")
        return layout

    @cached_property
    def runnable(self) -> Layout:
        """A busybox root whose command prints a line."""
        layout = self._new("runnable")
        command = {"Cmd": ["/bin/sh", "-c", "echo it runs"], "Env": ["PATH=/bin"]}
        layout.tag(layout.image([layout.tar_layer(busybox_root())], run=command), "1")
        return layout

    @cached_property
    def large(self) -> Layout:
        """One layer of random bytes, over 1 GiB."""
        layout = self._new("large")
        layout.tag(layout.image([layout.random_layer(1024 * MIB + 12_345)]), "1")
        return layout
