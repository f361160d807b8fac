"""What all clients share: a program, a home, and a failure that shows what the program said."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

TIMEOUT_S = 300


class ClientFailed(Exception):
    """A client ended with another code than 0."""

    def __init__(self, arguments: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"{' '.join(arguments)} ended with {code}:\n{output[-4000:]}")
        self.code = code
        self.output = output


class Client:
    """A program that runs with `home` as its HOME and with no setting from the outside."""

    def __init__(self, program: Path, home: Path, **environment: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.program = program
        self.home = home
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8"}
        self.environment |= environment
        self.said = ""
        """What the last run wrote to its standard error."""

    def run(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> str:
        """Run the program and give its standard output.

        Raises:
            ClientFailed: it ended with another code than 0.
        """
        return self._run_whole(*arguments, stdin=stdin, cwd=cwd)

    def _run_whole(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> str:
        command = [str(self.program), *arguments]
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=cwd or self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        self.said = done.stderr
        if done.returncode:
            raise ClientFailed(command, done.returncode, done.stdout + done.stderr)
        return done.stdout
