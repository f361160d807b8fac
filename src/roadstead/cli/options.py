"""Options that several commands have, and what they lead to."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from roadstead.core.errors import Invalid

if TYPE_CHECKING:
    from roadstead.app.services import Services

Data: TypeAlias = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The server's data folder. [default: ROADSTEAD_DATA, or data]"),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
PasswordStdin: TypeAlias = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


@contextlib.contextmanager
def services_of(data: Path | None) -> Iterator[Services]:
    """The services over a data folder, beside a running server or without one."""
    from roadstead.app.services import open_services
    from roadstead.app.settings import from_environment

    with open_services(from_environment(data=None if data is None else str(data))) as services:
        yield services


def new_password(*, from_stdin: bool) -> str:
    """The password that the caller gives: a line of standard input, or typed twice on a terminal.

    Raises:
        Invalid: there is no terminal, and standard input was not named either.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Invalid("there is no terminal to ask for the password", remedy="give it with --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
