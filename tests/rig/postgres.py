"""A real PostgreSQL cluster on a loopback port, for one test session."""

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.process import Background, free_port

_BIN = PEERS["postgresql"].program.parent
_OWNER = "postgres"


class Postgres:
    """A cluster in a folder of its own, run as the user `postgres`, since PostgreSQL refuses root.

    Durability is off (`fsync=off`): what is tested is this project's SQL, and no power is lost meanwhile.
    """

    def __init__(self) -> None:
        # Not under pytest's folder: that is root's alone.
        self._folder = Path(tempfile.mkdtemp(prefix="roadstead-postgres-"))
        self.port = free_port()
        shutil.chown(self._folder, _OWNER, _OWNER)
        self._run("initdb", "-D", self._data, "-U", _OWNER, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self._log = self._folder / "log"
        self._process = Background(
            self._as_owner("postgres", "-D", self._data, *self._options()), log=self._log, cwd=self._folder
        )
        self._process.wait_until(self._answers, what="PostgreSQL to answer")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _options(self) -> list[str]:
        chosen = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 200,
        }
        return [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]

    def _as_owner(self, program: str, *arguments: str) -> list[str]:
        if os.geteuid() != 0:
            return [str(_BIN / program), *arguments]
        return ["runuser", "-u", _OWNER, "--", str(_BIN / program), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(self._as_owner(program, *arguments), check=True, capture_output=True, text=True, cwd="/")

    def _answers(self) -> bool:
        command = self._as_owner("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port))
        return subprocess.run(command, check=False, cwd="/").returncode == 0

    def new_database(self) -> str:
        """An empty database of its own; gives its URL, `postgresql://…`."""
        name = f"roadstead_{secrets.token_hex(4)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", _OWNER, name)
        return f"postgresql://{_OWNER}@127.0.0.1:{self.port}/{name}"

    def log_tail(self) -> str:
        return self._process.log_tail()

    def close(self) -> None:
        """End it and remove its folder."""
        self._run("pg_ctl", "stop", "-D", self._data, "-m", "fast")
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
