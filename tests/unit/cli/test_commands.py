"""The commands for accounts, app passwords and grants, on a data folder."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from roadstead.cli.main import COMMANDS, main


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


Run: TypeAlias = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line as its program does, on a data folder of the test."""
    for name in os.environ:
        if name.startswith("ROADSTEAD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ROADSTEAD_DATA", str(tmp_path / "data"))

    def run(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["roadstead", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, *capsys.readouterr())

    return run


def _create(run: Run, name: str) -> None:
    done = run("account", "create", name, "--password-stdin", stdin=f"password of {name}\n")
    assert done.returncode == 0, done.stderr


def _refusal(done: Done) -> str:
    """What a command that failed by the caller's mistake said: one line, and no traceback."""
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("roadstead: ")
    return line


def test_an_account_from_its_creation_to_its_end(run: Run) -> None:
    made = run("account", "create", "alice", "--password-stdin", stdin="correct horse\n")
    assert "alice.localhost" in made.stdout
    assert "did:web:alice.localhost" in made.stdout
    assert "correct horse" not in made.stdout + made.stderr
    again = run("account", "create", "alice", "--password-stdin", stdin="correct horse\n")
    assert "already" in _refusal(again)
    listed = json.loads(run("account", "list", "--json").stdout)
    assert [(one["name"], one["repositories"]) for one in listed] == [("alice", 0)]
    assert run("account", "passwd", "alice.localhost", "--password-stdin", stdin="another horse").returncode == 0
    assert run("account", "delete", "alice").returncode == 0
    assert json.loads(run("account", "list", "--json").stdout) == []
    assert "no account" in _refusal(run("account", "delete", "alice"))


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("did-x", "correct horse", "not beginning with did-"),
        ("UPPER", "correct horse", "is not an account name"),
        ("v2", "correct horse", "reserved"),
        ("alice", "short", "8 to 256"),
        ("alice", "", "8 to 256"),
    ],
)
def test_accounts_that_cannot_be(name: str, password: str, said: str, run: Run) -> None:
    assert said in _refusal(run("account", "create", name, "--password-stdin", stdin=password))


def test_without_a_terminal_the_password_has_to_come_from_somewhere(run: Run) -> None:
    assert "--password-stdin" in _refusal(run("account", "create", "alice"))


def test_app_passwords(run: Run) -> None:
    _create(run, "alice")
    options = ("--repository", "alice/*", "--action", "push", "--action", "delete", "--expires", "90d")
    made = json.loads(run("app-password", "create", "alice", "ci", *options, "--json").stdout)
    assert made["secret"].startswith("rsp_")
    assert made["expires_at_ms"] - made["created_at_ms"] == 90 * 86_400_000
    listed = run("app-password", "list", "alice")
    assert "alice/*" in listed.stdout
    assert made["secret"] not in listed.stdout
    assert "no end" in _refusal(run("app-password", "create", "alice", "x", "--expires", "soon"))
    assert "before it begins" in _refusal(run("app-password", "create", "alice", "x", "--expires", "2001-01-01"))
    assert run("app-password", "revoke", "alice", "ci").returncode == 0
    assert "no app password" in _refusal(run("app-password", "revoke", "alice", "ci"))
    (one,) = json.loads(run("app-password", "list", "alice", "--json").stdout)
    assert one["revoked_at_ms"] is not None


def test_grants_of_what_is_not_there(run: Run) -> None:
    _create(run, "alice")
    _create(run, "bob")
    assert "no repository alice/app" in _refusal(run("repo", "grant", "alice/app", "bob", "push"))
    assert "no account" in _refusal(run("repo", "grant", "nobody/app", "bob", "push"))
    assert "ACCOUNT/REPOSITORY" in _refusal(run("repo", "revoke", "app", "bob", "push"))
    assert run("repo", "grant", "alice/app", "bob", "everything").returncode == 2


def test_help_names_every_command_and_gives_examples(run: Run) -> None:
    assert all(name in run("--help").stdout for name in COMMANDS)
    for group, command in (("account", "create"), ("app-password", "create"), ("repo", "grant")):
        assert "Example:" in run(group, command, "--help").stdout


def test_the_command_line_loads_nothing_heavy_before_a_command_needs_it() -> None:
    program = "import sys, roadstead.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    heavy = {"sqlalchemy", "starlette", "joserfc", "cryptography", "argon2", "alembic", "granian"}
    assert heavy.isdisjoint(loaded)
