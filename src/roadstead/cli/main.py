"""`roadstead`: the commands, and the one way out of them.

A command's module is imported when it is the one asked for (or when help lists them all), and imports what is
heavy within its functions, so that each starts quickly.

Exit codes: 0 done; 1 the caller's mistake; 2 not a command line; 3 content that is not what it claims to be;
4 this system, or one that it needs, cannot do it now.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from roadstead import __version__
from roadstead.core.errors import Failure, Misbehaviour, Misuse, RoadsteadError

COMMANDS: Final = {
    "serve": "roadstead.cli.serve",
    "account": "roadstead.cli.account",
    "app-password": "roadstead.cli.app_password",
    "repo": "roadstead.cli.repo",
    "rehost": "roadstead.cli.rehost",
    "gc": "roadstead.cli.gc",
    "verify": "roadstead.cli.verify",
    "reindex": "roadstead.cli.reindex",
    "adopt": "roadstead.cli.adopt",
    "backup": "roadstead.cli.backup",
    "restore": "roadstead.cli.restore",
}
"""Every command or group, in the order in which help shows them, and the module whose `app` it is."""

EXIT_CODES: Final[dict[type[BaseException], int]] = {Misuse: 1, Misbehaviour: 3, Failure: 4, RoadsteadError: 4}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command or group with this name, if there is one."""
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            command = typer.main.get_command(import_module(COMMANDS[cmd_name]).app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands.get(cmd_name)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"roadstead {__version__}")
        raise typer.Exit


@app.callback()
def roadstead(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A container registry you own, that keeps working when the network does not."""


def main() -> None:
    """Runs the command line of this process."""
    try:
        app()
    except RoadsteadError as error:
        sys.exit(report(error))


def report(error: RoadsteadError) -> int:
    """Says what went wrong, in one line on stderr; the exit code that goes with it."""
    typer.echo("roadstead: " + " ".join(str(error).split()), err=True)
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
