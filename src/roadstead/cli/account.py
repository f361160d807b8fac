"""`roadstead account`: who has a namespace on this server."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from roadstead.cli.options import AsJson, Data, PasswordStdin, new_password, services_of
from roadstead.cli.output import moment, print_facts, print_json, print_table
from roadstead.core.access.account import Account
from roadstead.core.access.rights import Visibility

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Create, list, change and delete accounts.")

NewName = Annotated[str, typer.Argument(metavar="NAME", help="2 to 32 of a-z, 0-9 and '-'.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name, handle or DID.")]


@app.command(epilog="Example: echo 'correct horse' | roadstead account create alice --password-stdin --data data")
def create(
    name: NewName,
    password_stdin: PasswordStdin = False,
    visibility: Annotated[
        Visibility | None, typer.Option(help="What its new repositories are. [default: the server's setting]")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Create an account, and tell its handle and DID."""
    password = new_password(from_stdin=password_stdin)
    with services_of(data) as services:
        account = services.accounts().create(name, password, visibility)
    _show(account, "created", as_json=as_json)


@app.command("list", epilog="Example: roadstead account list --json")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """List all accounts."""
    with services_of(data) as services:
        found = services.accounts().summaries()
    if as_json:
        print_json([{**_fields(one.account), "repositories": one.repository_count} for one in found])
    else:
        rows = [
            (one.account.name, one.account.did, str(one.repository_count), moment(one.created_at_ms)) for one in found
        ]
        print_table(("NAME", "DID", "REPOSITORIES", "CREATED"), rows)


@app.command(epilog="Example: roadstead account passwd alice")
def passwd(name: Name, password_stdin: PasswordStdin = False, data: Data = None, as_json: AsJson = False) -> None:
    """Set an account's password. Logins with the old one end; app passwords stay."""
    password = new_password(from_stdin=password_stdin)
    with services_of(data) as services:
        account = services.accounts().set_password(name, password)
    _show(account, "changed", as_json=as_json)


@app.command(epilog="Example: roadstead account delete alice --yes")
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Delete an account with its repositories and records. It cannot be undone."""
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete the account {name} and all its repositories?", abort=True)
    with services_of(data) as services:
        account = services.accounts().delete(name)
    _show(account, "deleted", as_json=as_json)


def _fields(account: Account) -> dict[str, str | None]:
    visibility = account.default_visibility
    return {
        "name": account.name,
        "handle": account.handle,
        "did": account.did,
        "default_visibility": visibility.value if visibility else None,
    }


def _show(account: Account, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_fields(account))
    else:
        print_facts({what: account.name, "handle": account.handle, "DID": account.did})
