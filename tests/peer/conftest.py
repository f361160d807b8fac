"""The registry that the clients talk to, and each client with a home of its own, logged in as alice."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rig.clients.buildah import Buildah
from tests.rig.clients.containerd import Containerd, Ctr
from tests.rig.clients.cosign import Cosign
from tests.rig.clients.crane import Crane
from tests.rig.clients.docker import Docker, Dockerd
from tests.rig.clients.helm import Helm
from tests.rig.clients.podman import Podman
from tests.rig.clients.regctl import Regctl
from tests.rig.clients.skopeo import Skopeo
from tests.rig.distribution import Distribution
from tests.rig.server import Account, Server, Servers


@dataclass(frozen=True, slots=True)
class Registry:
    """A running registry and who may push to it; `server` is None where distribution stands in."""

    host: str
    alice: Account
    bob: Account
    server: Server | None

    @property
    def ours(self) -> Server:
        """The server, in a test of what distribution does not have."""
        if self.server is None:
            pytest.skip("distribution has no such thing")
        return self.server


@pytest.fixture(scope="session")
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    if request.config.getoption("--referee"):
        alice, bob = Account("alice", "alice-password"), Account("bob", "bob-password")
        referee = Distribution(folder, alice, bob)
        yield Registry(referee.host, alice, bob, None)
        referee.close()
    else:
        servers = Servers(folder)
        try:
            server = servers.start(workers=2)
            yield Registry(server.host, server.account("alice"), server.account("bob"), server)
        finally:
            servers.stop()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A repository of alice's that no other test uses: `alice/FILE/TEST`."""
    parts = (request.path.stem, request.node.name)
    return "/".join(["alice", *(re.sub(r"[^a-z0-9]+", "-", part.removeprefix("test_")).strip("-") for part in parts)])


@pytest.fixture
def image(registry: Registry, name: str) -> str:
    """A full image name in that repository, without a tag: `127.0.0.1:PORT/alice/…`."""
    return f"{registry.host}/{name}"


@pytest.fixture
def skopeo(registry: Registry, tmp_path: Path) -> Skopeo:
    client = Skopeo(tmp_path / "skopeo")
    client.login(registry.host, registry.alice)
    return client


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder for podman, which refuses a run folder whose path is longer than 50 characters."""
    folder = Path(tempfile.mkdtemp(prefix="rs-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def podman(registry: Registry, short_path: Path) -> Podman:
    client = Podman(short_path / "1st")
    client.login(registry.host, registry.alice)
    return client


@pytest.fixture
def buildah(registry: Registry, tmp_path: Path) -> Buildah:
    client = Buildah(tmp_path / "buildah")
    client.login(registry.host, registry.alice)
    return client


@pytest.fixture
def docker(registry: Registry, tmp_path: Path, dockerd: Dockerd) -> Docker:
    client = Docker(tmp_path / "docker", dockerd)
    client.login(registry.host, registry.alice)
    return client


@pytest.fixture
def ctr(tmp_path: Path, containerd: Containerd) -> Ctr:
    return Ctr(tmp_path / "ctr", containerd)


@pytest.fixture
def crane(registry: Registry, tmp_path: Path) -> Crane:
    client = Crane(tmp_path / "crane")
    client.login(registry.host, registry.alice)
    return client


@pytest.fixture
def regctl(registry: Registry, tmp_path: Path) -> Regctl:
    client = Regctl(tmp_path / "regctl")
    client.login(registry.host, registry.alice)
    return client


@pytest.fixture
def helm(registry: Registry, tmp_path: Path) -> Helm:
    client = Helm(tmp_path / "helm")
    client.login(registry.host, registry.alice)
    return client


@pytest.fixture
def cosign(registry: Registry, tmp_path: Path) -> Cosign:
    client = Cosign(tmp_path / "cosign")
    client.login(registry.host, registry.alice)
    client.make_keys()
    return client
