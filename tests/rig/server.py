"""A real `roadstead serve` as a process of its own, on loopback, with its data in a folder of the test."""

import http.client
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rig.process import Background, family, free_port

PROGRAM = str(Path(sys.executable).parent / "roadstead")


@dataclass(frozen=True, slots=True)
class Account:
    """A name and its password, as a client logs in with them."""

    name: str
    password: str


class CommandFailed(Exception):
    """A `roadstead` command ended with another code than 0."""

    def __init__(self, arguments: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"roadstead {' '.join(arguments)} ended with {code}:\n{output}")
        self.code = code
        self.output = output


class Server:
    """`roadstead serve` on a free port, with `settings` as its `ROADSTEAD_*` environment and no other.

    It makes no first account by itself, so that the accounts are those that the test asks for.
    """

    def __init__(self, data: Path, *, workers: int = 1, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.workers = workers
        self.port = free_port()
        self.log = data.parent / f"{data.name}.log"
        ambient = {name: value for name, value in os.environ.items() if not name.startswith("ROADSTEAD_")}
        chosen = {"first_account": "", **(settings or {})}
        self.environment = ambient | {f"ROADSTEAD_{name.upper()}": value for name, value in chosen.items()}
        self._process: Background | None = None

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`, as it begins an image's name."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        scheme = "https" if "ROADSTEAD_TLS_CERT" in self.environment else "http"
        return f"{scheme}://{self.host}"

    @property
    def command(self) -> list[str]:
        """What `start` runs, with `environment`."""
        return [PROGRAM, "serve", "--data", str(self.data), "--listen", self.host, "--workers", str(self.workers)]

    @property
    def process(self) -> Background:
        if self._process is None:
            raise RuntimeError("this server was not started")
        return self._process

    def start(self, deadline_s: float = 30) -> "Server":
        """Start it and return when `GET /readyz` answers 200.

        Raises:
            ProcessEnded: it ended instead; carries the log's end.
            TimeoutError: it did neither.
        """
        self._process = Background(self.command, log=self.log, environment=self.environment)
        try:
            self._process.wait_until(self.is_ready, what="GET /readyz to answer 200", deadline_s=deadline_s)
        except TimeoutError as error:
            self._process.kill()
            raise TimeoutError(f"{error}; its log:\n{self._process.log_tail()}") from error
        return self

    def is_ready(self) -> bool:
        connection = self._connection()
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self.url.startswith("https:"):
            # Only asks whether it serves: trust is the clients' to test.
            context = ssl._create_unverified_context()
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)

    def stop(self) -> int:
        """SIGTERM to the server's own process, and its exit code; 0 when it was never started."""
        return self._process.stop() if self._process else 0

    def kill(self) -> None:
        """`kill -9` of the server and its workers."""
        self.process.kill()

    def restart(self) -> "Server":
        """Stop it and start it anew on the same data and port."""
        self.stop()
        return self.start()

    def worker_pids(self) -> list[int]:
        """The processes that serve: the server's descendants, or itself if it has none."""
        return family(self.process.pid)[1:] or [self.process.pid]

    def run(self, *arguments: str, stdin: str = "") -> str:
        """A `roadstead` command on this server's data, whether it runs or not; gives what it printed.

        Raises:
            CommandFailed: it ended with another code than 0.
        """
        done = subprocess.run(
            [PROGRAM, *arguments, "--data", str(self.data)],
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(arguments, done.returncode, done.stdout)
        return done.stdout

    def account(self, name: str, password: str | None = None) -> Account:
        """Create an account beside the running server."""
        made = Account(name, password or f"{name}-password-of-the-tests")
        self.run("account", "create", name, "--password-stdin", stdin=made.password + "\n")
        return made


class Servers:
    """Starts servers, each in a folder of its own under `folder`, and ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[Server] = []

    def start(self, *, workers: int = 1, data: Path | None = None, **settings: str) -> Server:
        """Start a server; `settings` are Roadstead's by their names, such as `default_visibility="private"`."""
        return self.empty(workers=workers, data=data, **settings).start()

    def empty(self, *, workers: int = 1, data: Path | None = None, **settings: str) -> Server:
        """A server that is not started yet, on a folder that it has yet to make."""
        server = Server(data or self._folder / f"data{len(self.started)}", workers=workers, settings=settings)
        self.started.append(server)
        return server

    def stop(self) -> None:
        """End them all, and only then report the first that did not end well."""
        failures: list[Exception] = []
        for server in self.started:
            try:
                server.stop()
            except TimeoutError as error:
                failures.append(error)
        if failures:
            raise failures[0]
