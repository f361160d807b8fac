"""The README's commands, typed at a terminal one block after the other, as a newcomer would.

The set-up is taken as done (this .venv serves), and the port is a free one. Nothing else is changed in what the README
says.
"""

import os
import re
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.table import PEERS
from tests.rig import waiting
from tests.rig.clients.docker import Dockerd
from tests.rig.clients.podman import storage_options
from tests.rig.process import free_port
from tests.rig.terminal import Terminal

pytestmark = pytest.mark.peer("docker", "dockerd", "podman", "runc", "skopeo")

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(short_path: Path) -> Path:
    """The project as somebody has cloned it and set it up."""
    folder = short_path / "roadstead"
    folder.mkdir()
    for name in ("Makefile", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("requirements", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".make").mkdir()
    for stamp in ("venv", "run"):
        (folder / ".make" / stamp).touch()
    return folder


@pytest.fixture
def environment(short_path: Path, dockerd: Dockerd) -> dict[str, str]:
    """A home of its own, in which the clients' names mean the tests' peers with storage of their own."""
    programs = short_path / "bin"
    programs.mkdir()
    options = {"docker": [], "skopeo": [], "podman": [*storage_options(short_path), "--cgroup-manager=cgroupfs"]}
    for name, own in options.items():
        wrapper = programs / name
        # Docker's login apart: podman finds it, and refuses to log in where docker has.
        login = f"DOCKER_CONFIG={short_path}/docker-config exec" if name == "docker" else "exec"
        wrapper.write_text(f'#!/bin/sh\n{login} {" ".join([str(PEERS[name].program), *own])} "$@"\n')
        wrapper.chmod(0o755)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(short_path),
        "TMPDIR": str(short_path),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "DOCKER_HOST": dockerd.socket,
        "REGISTRY_AUTH_FILE": str(short_path / "auth.json"),
    }


@pytest.fixture
def running(checkout: Path, environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    """`make run`, the README's first block, at a terminal; its address and the password that it has shown."""
    assert BLOCKS[0] == "make run\n"
    host = f"127.0.0.1:{free_port()}"
    terminal = Terminal(["make", "run", f"LISTEN={host}"], cwd=checkout, environment=environment)
    shown = re.compile(r"^ +password +(\S+)$", re.MULTILINE)
    try:
        waiting.until(
            lambda: bool(shown.search(terminal.said)) or not terminal.is_running, what="the password", deadline_s=60
        )
        found = shown.search(terminal.said)
        assert found, terminal.said
        waiting.until(lambda: _is_ready(host), what="the server to be ready")
        yield host, found[1]
    finally:
        terminal.interrupt()
        terminal.wait()


def _is_ready(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/readyz", timeout=5):
            return True
    except OSError:
        return False


def test_every_command_does_what_it_says(running: tuple[str, str], checkout: Path, environment: dict[str, str]) -> None:
    host, password = running
    assert len(BLOCKS) > 5
    for block in BLOCKS[1:]:
        script = block.replace("127.0.0.1:5000", host)
        terminal = Terminal(["sh", "-eux", "-c", script], cwd=checkout, environment=environment, password=password)
        code = terminal.wait()
        assert code == 0, f"{script}\nended with {code}:\n{terminal.said}"
