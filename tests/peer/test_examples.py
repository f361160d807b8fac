"""What examples/ has, as an operator would use it: the image is built and run, and the configurations are taken."""

import http.client
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from roadstead.app.settings import FIELDS, Settings
from tests.peers.table import PEERS
from tests.rig import certificate, waiting
from tests.rig.caddy import Caddy
from tests.rig.clients.buildah import Buildah
from tests.rig.clients.client import Client, ClientFailed
from tests.rig.clients.docker import Docker, Dockerd
from tests.rig.clients.podman import Podman
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.process import free_port
from tests.rig.proxy import Proxy
from tests.rig.python_root import write_python_root
from tests.rig.server import PROGRAM, Account, Servers

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
BASE = "localhost/python:base"


@pytest.fixture(scope="module")
def python_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("root") / "root.tar"
    write_python_root(file)
    yield file
    file.unlink()


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """With what examples/build.sh starts a builder, once it has fetched the wheels."""
    wheels = tmp_path_factory.mktemp("wheels") / "wheels"
    environment = {**os.environ, "PYTHON": sys.executable, "WHEELS": str(wheels), "BASE": BASE, "BUILDER": "echo"}
    done = subprocess.run(
        ["sh", str(EXAMPLES / "build.sh"), "-t", "localhost/roadstead"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


class Container:
    """The image, running: rootless, with nothing but /data to write to."""

    def __init__(self, client: Client, *options: str) -> None:
        self.client = client
        self.host = f"127.0.0.1:{free_port()}"
        hardened = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        ours = ["--network=host", "-e", f"ROADSTEAD_LISTEN={self.host}"]
        self.id = client.run("run", "--detach", *hardened, *ours, *options, "localhost/roadstead").strip()
        waiting.until(
            lambda: not self.is_running() or self.is_healthy(), what="the image's own health check", deadline_s=60
        )
        assert self.is_running(), client.run("logs", self.id) + client.said

    def is_running(self) -> bool:
        return self.client.run("inspect", "--format={{.State.Running}}", self.id).strip() == "true"

    def is_healthy(self) -> bool:
        command = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", (EXAMPLES / "Dockerfile").read_text(), re.MULTILINE)
        assert command
        try:
            self.exec(*json.loads(command[1]))
        except ClientFailed:
            return False
        return True

    def exec(self, *command: str, stdin: str = "") -> str:
        return self.client.run("exec", "-i", self.id, *command, stdin=stdin)

    def is_used(self, skopeo: Skopeo, images: Images) -> None:
        """Push to it and pull from it, as an account that a command beside the server has made."""
        alice = Account("alice", "a password for alice")
        self.exec("roadstead", "account", "create", "alice", "--password-stdin", stdin=f"{alice.password}\n")
        assert "password" in self.exec("cat", "/data/first-login")
        skopeo.login(self.host, alice)
        skopeo.push(images.single, f"{self.host}/alice/app:1")
        skopeo.pull(f"{self.host}/alice/app:1", skopeo.home / "pulled")

    def ends_well(self) -> None:
        self.client.run("stop", "--time=40", self.id)
        assert self.client.run("inspect", "--format={{.State.ExitCode}}", self.id).strip() == "0"
        self.client.run("rm", self.id)


@pytest.mark.peer("buildah", "podman", "runc", "busybox", "skopeo")
def test_the_image_is_built_by_buildah_and_run_by_podman(
    python_root: Path, building: list[str], short_path: Path, images: Images
) -> None:
    podman, buildah = Podman(short_path), Buildah(short_path)
    podman.run("import", str(python_root), BASE)
    buildah.run("bud", "--isolation=chroot", "--format=docker", *building, cwd=ROOT)

    limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
    container = Container(podman, *limits)
    container.is_used(Skopeo(short_path / "skopeo"), images)
    container.ends_well()


# Minutes: its storage without kernel support copies the whole root at each step.
@pytest.mark.soak
@pytest.mark.peer("docker", "dockerd", "runc", "busybox", "skopeo")
def test_the_image_is_built_and_run_by_docker(
    python_root: Path, building: list[str], dockerd: Dockerd, tmp_path: Path, images: Images
) -> None:
    docker = Docker(tmp_path / "docker", dockerd)
    docker.run("import", str(python_root), BASE)
    docker.run("build", "--network=none", *building, cwd=ROOT)

    container = Container(docker)
    container.is_used(Skopeo(tmp_path / "skopeo"), images)
    container.ends_well()


@pytest.fixture(
    params=[pytest.param(Proxy, marks=pytest.mark.peer("nginx")), pytest.param(Caddy, marks=pytest.mark.peer("caddy"))]
)
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proxy | Caddy]:
    """The example of each reverse proxy, not yet started."""
    ours: Proxy | Caddy = request.param(tmp_path / "proxy", certificate.made_in(tmp_path / "certificates"))
    yield ours
    ours.stop()


@pytest.mark.peer("skopeo", "busybox")
def test_a_proxy_passes_all_that_a_server_offers(
    proxy: Proxy | Caddy, servers: Servers, images: Images, tmp_path: Path
) -> None:
    server = servers.start(public_url=f"https://{proxy.host}", trusted_proxies="127.0.0.1", log_requests="all")
    proxy.start(server.host)
    alice = server.account("alice")
    trust = str(tmp_path / "certificates" / "authority" / "ca.crt")
    trusting = ssl.create_default_context(cafile=trust)

    skopeo = Skopeo(tmp_path / "skopeo")
    skopeo.environment["SSL_CERT_FILE"] = trust
    skopeo.run("login", "-u", "alice", "--password-stdin", proxy.host, stdin=alice.password)
    skopeo.run("copy", f"oci:{images.ten_layers.folder}:1", f"docker://{proxy.host}/alice/app:1")

    firehose = f"wss://{proxy.host}/xrpc/com.atproto.sync.subscribeRepos?cursor=0"
    with connect(firehose, ssl=trusting, open_timeout=30, proxy=None) as socket:
        assert isinstance(socket.recv(timeout=30), bytes)

    # An account's host, which no name server knows here.
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=trusting)
    connection.request("GET", "/.well-known/atproto-did", headers={"Host": f"alice.localhost:{proxy.port}"})
    assert connection.getresponse().read() == b"did:web:alice.localhost"
    connection.close()


def test_the_rate_limit_goes_by_the_client_and_not_by_what_it_says_of_itself(
    proxy: Proxy | Caddy, servers: Servers, tmp_path: Path
) -> None:
    server = servers.start(
        public_url=f"https://{proxy.host}", trusted_proxies="127.0.0.1", rate_limit_per_s="0.001", rate_limit_burst="3"
    )
    proxy.start(server.host)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificates" / "authority" / "ca.crt"))

    def status(claimed: str) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=trusting)
        connection.request("GET", "/v2/", headers={"X-Forwarded-For": claimed})
        found = connection.getresponse().status
        connection.close()
        return found

    assert [status(f"192.0.2.{number}") for number in range(5)] == [401, 401, 401, 429, 429]


@pytest.mark.peer("docker-compose")
def test_the_compose_file_is_taken(tmp_path: Path) -> None:
    compose = Client(PEERS["docker-compose"].program, tmp_path)
    said = compose.run("-f", str(EXAMPLES / "compose.yaml"), "config")
    assert "ROADSTEAD_PUBLIC_URL" in said
    # The image's own settings stay in force where the file names none.
    named = set(re.findall(r"ROADSTEAD_(\w+):", (EXAMPLES / "compose.yaml").read_text()))
    assert {name.lower() for name in named} <= set(FIELDS)


@pytest.mark.peer("systemd")
def test_the_unit_is_taken_and_hardened(tmp_path: Path) -> None:
    text = (EXAMPLES / "roadstead.service").read_text()
    program = "/opt/roadstead/bin/roadstead"
    assert program in text
    unit = tmp_path / "roadstead.service"
    unit.write_text(text.replace(program, PROGRAM))
    analyze = Client(PEERS["systemd"].program, tmp_path)
    analyze.run("verify", str(unit))
    assert analyze.said == ""
    # In tenths of the exposure that it computes; a service without any of it has 96.
    analyze.run("security", "--offline=yes", "--threshold=20", str(unit))
    timeout = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert timeout
    assert int(timeout[1]) > Settings().shutdown_grace_s
