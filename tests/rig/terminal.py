"""A program at a terminal of its own, with somebody who types passwords when they are asked for."""

import fcntl
import os
import re
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.rig import waiting

_PROMPT = re.compile(r"(password|confirmation)[^\n]*: ?$", re.IGNORECASE)
DEADLINE_S = 120


class Terminal:
    """A program whose input, output and controlling terminal are a pseudo-terminal.

    Args:
        password: what is typed at every prompt for one.
    """

    def __init__(
        self, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], password: str = ""
    ) -> None:
        self._password = password
        self._said = b""
        self._answered = 0
        self._master, slave = os.openpty()
        self._process = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=dict(environment),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # Programs open /dev/tty to ask for passwords, which is the session's controlling terminal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, name="terminal")
        self._reader.start()

    @property
    def said(self) -> str:
        """What it has written so far."""
        return self._said.decode(errors="replace").replace("\r\n", "\n")

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self._master, b"\x03")

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait for its end and give its exit code; one that does not end is killed, and reported.

        Raises:
            TimeoutError: it had to be killed.
        """
        try:
            code = self._process.wait(deadline_s)
        except subprocess.TimeoutExpired as error:
            os.killpg(self._process.pid, 9)
            raise TimeoutError(f"{self._process.args!r} did not end:\n{self.said}") from error
        finally:
            self._process.wait()
            self._reader.join()
            os.close(self._master)
        return code

    def _is_blind(self) -> bool:
        local_modes: int = termios.tcgetattr(self._master)[3]
        return not local_modes & termios.ECHO

    def _read(self) -> None:
        """Until the last program at the terminal has gone, which reads as an error."""
        with suppress(OSError):
            while piece := os.read(self._master, 65536):
                self._said += piece
                fresh = self._said[self._answered :].decode(errors="replace")
                if self._password and _PROMPT.search(fresh):
                    # Some ask first, and then throw away what was typed while it could be seen.
                    waiting.until(self._is_blind, what="what is typed to be hidden")
                    self._answered = len(self._said)
                    os.write(self._master, self._password.encode() + b"\n")
