"""A newcomer's first minutes: start on an empty folder, read what to type, log in, push, pull."""

import os
import pty
import re
import select
import stat
import subprocess
from pathlib import Path

import pytest

from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.server import Account, Server, Servers
from tests.rig.waiting import STEP_S

pytestmark = pytest.mark.peer("skopeo", "busybox")


def _password(text: str) -> str:
    found = re.search(r"password\s+(\S+)", text)
    assert found
    return found[1]


def test_without_a_terminal_the_password_is_in_a_file_for_the_owner_alone(
    servers: Servers, images: Images, tmp_path: Path
) -> None:
    server = servers.start(first_account="admin")
    (file,) = (Path(found) for found in re.findall(r"[^\s\"'=]*first-login", server.log.read_text()))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = _password(file.read_text())
    assert password not in server.log.read_text()

    skopeo = Skopeo(tmp_path / "skopeo")
    skopeo.login(server.host, Account("admin", password))
    skopeo.push(images.single, f"{server.host}/admin/app:1")
    server.restart()
    skopeo.pull(f"{server.host}/admin/app:1", tmp_path / "pulled")
    assert server.log.read_text().count("first-login") == 1


def test_on_a_terminal_it_is_shown_once(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", settings={"first_account": "admin"})
    shown = _shown_on_a_terminal(server)
    assert len(_password(shown)) >= 20
    assert f"docker login -u admin {server.host}" in shown
    assert not (server.data / "first-login").exists()
    assert "password" not in _shown_on_a_terminal(server)


def _shown_on_a_terminal(server: Server) -> str:
    """What the server writes to its terminal from its start until it is ready, and in its end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(server.command, env=server.environment, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    shown = b""
    asked_to_end = False
    while True:
        if select.select([ours], [], [], STEP_S)[0]:
            piece = _read(ours)
            if not piece:
                break
            shown += piece
        elif not asked_to_end and server.is_ready():
            process.terminate()
            asked_to_end = True
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: the last process that had it open is gone
        return b""
