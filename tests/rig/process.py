"""A background process with its log in a file, stopped by its own id."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.rig import waiting

STOP_DEADLINE_S = 40
"""More than the server's own grace for what is being sent."""


class ProcessEnded(Exception):
    """The process ended by itself; the message has the end of its log."""


class Background:
    """A started program. It leads a process group of its own, so that `kill` takes its children too."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        self._arguments = list(arguments)
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                self._arguments,
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait_until(self, is_so: Callable[[], bool], *, what: str, deadline_s: float = 30) -> None:
        """Wait for `is_so`, or for the process's early end.

        Raises:
            ProcessEnded: it ended first.
            TimeoutError: neither happened in time.
        """
        waiting.until(lambda: self.exit_code is not None or is_so(), what=what, deadline_s=deadline_s)
        if self.exit_code is not None:
            raise ProcessEnded(f"{self._arguments[0]} ended with {self.exit_code} before {what}:\n{self.log_tail()}")

    def wait(self, deadline_s: float = STOP_DEADLINE_S) -> int:
        """Wait for its end and give the exit code."""
        return self._process.wait(deadline_s)

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> int:
        """Ask it to end (SIGTERM to itself alone) and give its exit code; one that does not is killed, and reported.

        Raises:
            TimeoutError: it had to be killed.
        """
        if self.exit_code is None:
            self._process.terminate()
            try:
                self._process.wait(deadline_s)
            except subprocess.TimeoutExpired as error:
                self.kill()
                raise TimeoutError(f"{self._arguments[0]} ignored SIGTERM:\n{self.log_tail()}") from error
        return self._process.returncode

    def kill(self) -> None:
        """`kill -9` of it and all its children, as a crash would."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def log_tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def free_port() -> int:
    """A port of the loopback that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def family(pid: int) -> list[int]:
    """The process and all that descend from it, parents first."""
    pids = [pid]
    for parent in pids:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
                pids += map(int, (task / "children").read_text().split())
    return pids


def proportional_memory_bytes(pid: int) -> int:
    """The process's proportional set size (PSS): its own pages, and its share of those that others map too."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/smaps_rollup has no Pss line")
