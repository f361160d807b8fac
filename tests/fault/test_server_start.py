"""Servers that cannot start say why in one line, with what to do, and end; nothing is harmed by the attempt."""

import os
import socket
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.rig.process import free_port
from tests.rig.server import PROGRAM, Server, Servers
from tests.rig.small_disk import mounted

_DEADLINE_S = 60


def _refused(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What a command that fails says on stderr: one line, no traceback."""
    ambient = {name: value for name, value in os.environ.items() if not name.startswith("ROADSTEAD_")}
    done = subprocess.run(
        [PROGRAM, *arguments],
        env={**ambient, "ROADSTEAD_FIRST_ACCOUNT": "", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=_DEADLINE_S,
    )
    assert done.returncode not in (0, -9), done.stdout
    said = done.stderr.strip().splitlines()
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    ours = [line for line in said if line.startswith("roadstead: ")]
    assert len(ours) == 1, done.stderr
    assert said[-1] == ours[0]
    return ours[0]


def _serve(data: Path, *arguments: str, listen: str = "", environment: Mapping[str, str] | None = None) -> str:
    listen = listen or f"127.0.0.1:{free_port()}"
    return _refused("serve", "--data", str(data), "--listen", listen, *arguments, environment=environment)


def test_a_data_folder_of_a_newer_version(servers: Servers) -> None:
    server = servers.start()
    server.account("alice")
    server.stop()
    database = server.data / "roadstead.db"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = database.read_bytes()
    for said in (_serve(server.data), _refused("gc", "--data", str(server.data))):
        assert "9999" in said
        assert "newer version" in said
    assert database.read_bytes() == before


def test_two_servers_on_one_data_folder(servers: Servers) -> None:
    """The second names the first; the other commands work beside it."""
    server = servers.start(workers=2)
    said = _serve(server.data)
    assert f"by process {server.process.pid}" in said
    assert str(server.data) in said
    assert server.is_ready()
    server.account("alice")
    for command in (["gc"], ["verify"], ["account", "list"], ["reindex"]):
        server.run(*command)
    assert server.is_ready()
    server.restart()
    assert server.is_ready()


def test_a_port_that_another_program_has(tmp_path: Path) -> None:
    for option in (None, socket.SO_REUSEPORT):
        with socket.socket() as listener:
            if option is not None:
                listener.setsockopt(socket.SOL_SOCKET, option, 1)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            listen = f"127.0.0.1:{listener.getsockname()[1]}"
            said = _serve(tmp_path / "data", listen=listen)
        assert listen in said
        assert "in use" in said
    assert not (tmp_path / "data" / "roadstead.db").exists(), "nothing was begun"


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_another_roadstead_has(listen: str, servers: Servers, tmp_path: Path) -> None:
    server = servers.start(workers=2)
    said = _serve(tmp_path / "other", listen=f"{listen}:{server.port}")
    assert f"{listen}:{server.port} is in use" in said
    assert server.is_ready()


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    said = _serve(tmp_path / "data", listen=f"192.0.2.1:{free_port()}")
    assert "192.0.2.1" in said


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in _serve(tmp_path / "file")
    assert str(tmp_path / "file" / "data") in _serve(tmp_path / "file" / "data")


def test_a_data_folder_on_a_read_only_disk(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", size_bytes=16 * 1024 * 1024) as disk:
        (disk / "data").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert str(disk / "data") in _serve(disk / "data")
        assert str(disk / "new") in _serve(disk / "new")


BAD_FILES = {
    "unknown name": ("colour = 'red'", "colour"),
    "wrong kind": ("workers = 'many'", "workers"),
    "below the least": ("token_life_s = 1", "token_life_s"),
    "none of the words": ("default_visibility = 'hidden'", "default_visibility"),
    "no TOML": ("workers = = 2", "roadstead.toml"),
    "certificate alone": ("tls_cert = '/cert.pem'", "tls_key"),
    "no URL": ("public_url = 'registry.example.com'", "public_url"),
    "no address": ("listen = 'somewhere'", "listen"),
    "no network": ("trusted_proxies = ['300.1.1.1']", "300.1.1.1"),
    "no database": ("database_url = 'carrier-pigeon://home'", "database_url"),
}


@pytest.mark.parametrize(("text", "named"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_configuration_file(text: str, named: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "roadstead.toml").write_text(text)
    given = () if "listen" in text else ("--listen", f"127.0.0.1:{free_port()}")
    assert named in _refused("serve", "--data", str(data), *given)


BAD_ENVIRONMENTS = {
    "wrong kind": ("ROADSTEAD_WORKERS", "many"),
    "below the least": ("ROADSTEAD_GC_GRACE_HOURS", "-1"),
    "no network": ("ROADSTEAD_METRICS_NETWORKS", "everywhere"),
    "no file": ("ROADSTEAD_CONFIG", "/nowhere/roadstead.toml"),
}


@pytest.mark.parametrize(("name", "value"), BAD_ENVIRONMENTS.values(), ids=BAD_ENVIRONMENTS.keys())
def test_a_bad_environment(name: str, value: str, tmp_path: Path) -> None:
    said = _serve(tmp_path / "data", environment={name: value})
    assert name.removeprefix("ROADSTEAD_").lower() in said.lower() or value in said


def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    said = _serve(tmp_path / "data", "--tls-cert", str(absent), "--tls-key", str(absent))
    assert str(absent) in said


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none"
    said = _serve(tmp_path / "data", environment={"ROADSTEAD_DATABASE_URL": url})
    assert "database" in said
    assert "secret" not in said


def test_a_start_that_was_killed_in_its_middle_is_taken_up(tmp_path: Path) -> None:
    """Whatever the first start had made: the next one finishes it."""
    server = Server(tmp_path / "data")
    server.data.mkdir()
    (server.data / "roadstead.db").touch()
    try:
        server.start()
        server.account("alice")
    finally:
        server.stop()
