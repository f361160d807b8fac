"""The fixtures that all tests share, the rule for missing peers, and the servers' logs in the report of a failure."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.peers.table import PEERS
from tests.rig import small_disk
from tests.rig.clients.containerd import Containerd
from tests.rig.clients.docker import Dockerd
from tests.rig.distribution import Distribution
from tests.rig.images import Images
from tests.rig.postgres import Postgres
from tests.rig.process import Background
from tests.rig.server import Server, Servers

_MISSING = pytest.StashKey[set[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--referee",
        action="store_true",
        help="run tests/peer against distribution: what fails there too is the fault of the test or the client",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_MISSING] = set[str]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test whose peer is missing is skipped; in CI it fails, since there a skip would pass for success."""
    for marker in item.iter_markers("peer"):
        for name in marker.args:
            if not PEERS[name].is_there():
                item.config.stash[_MISSING].add(name)
                refuse = pytest.fail if os.environ.get("CI") else pytest.skip
                refuse(f"the peer {name} is missing; `make peers` brings it")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if missing := config.stash[_MISSING]:
        terminalreporter.section("peers that are missing")
        terminalreporter.line(f"{', '.join(sorted(missing))}: their tests did not run; `make peers` says why")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(f"log of {name}", log) for name, log in _logs(item)]
    return report


def _logs(item: pytest.Item) -> Iterator[tuple[str, str]]:
    """The ends of the logs of every background process that the test's fixtures hold."""
    for name, value in getattr(item, "funcargs", {}).items():
        servers = value.started if isinstance(value, Servers) else [value]
        for one in servers:
            if isinstance(one, Server) and one.log.exists():
                yield f"{name} ({one.host})", one.process.log_tail()
            elif isinstance(process := getattr(one, "process", None), Background):
                yield name, process.log_tail()


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Image layouts, each made when it is first asked for."""
    return Images(tmp_path_factory.mktemp("images"))


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Starts servers for one test and ends them after it."""
    ours = Servers(tmp_path)
    yield ours
    ours.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with two workers for all tests of a file: each test uses repositories of its own."""
    ours = Servers(tmp_path_factory.mktemp("server"))
    yield ours.start(workers=2)
    ours.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL cluster; `new_database()` gives an empty database's URL. Mark the test `peer("postgresql")`."""
    cluster = Postgres()
    yield cluster
    cluster.close()


@pytest.fixture
def small_disk_64_mib(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MiB."""
    with small_disk.mounted(tmp_path / "small", size_bytes=64 * 1024 * 1024) as folder:
        yield folder


@pytest.fixture
def distribution(tmp_path: Path) -> Iterator[Distribution]:
    """distribution without authentication. Mark the test `peer("distribution")`."""
    registry = Distribution(tmp_path / "distribution")
    yield registry
    registry.close()


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Dockerd]:
    """A docker daemon. Mark the test `peer("docker", "dockerd")`."""
    daemon = Dockerd()
    yield daemon
    daemon.close()


@pytest.fixture(scope="session")
def containerd() -> Iterator[Containerd]:
    """A containerd. Mark the test `peer("ctr", "containerd")`."""
    daemon = Containerd()
    yield daemon
    daemon.close()
