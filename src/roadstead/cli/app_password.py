"""`roadstead app-password`: passwords for robots, with less than the account's own rights."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from roadstead.cli.options import AsJson, Data, services_of
from roadstead.cli.output import moment, print_facts, print_json, print_table
from roadstead.core.access.rights import Action
from roadstead.core.errors import Invalid
from roadstead.index import clock

if TYPE_CHECKING:
    from roadstead.auth.app_passwords import AppPassword

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Create, list and revoke passwords for robots.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name, handle or DID.")]
Label = Annotated[str, typer.Argument(metavar="LABEL", help="How you tell it from others, such as 'ci'.")]

DAY_MS: Final = 86_400_000
_DAYS: Final = re.compile(r"([1-9][0-9]{0,4})d")


@app.command(
    epilog="Example: roadstead app-password create alice ci --repository 'alice/*' --action push --expires 90d"
)
def create(
    name: Name,
    label: Label,
    repository: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="A repository, ALICE/*, or * (the default); repeatable.")
    ] = None,
    action: Annotated[
        list[Action] | None, typer.Option(help="Default: pull. Push brings pull along; repeatable.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Days from now (90d) or a date (2027-01-31, UTC).")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Create an app password and print its secret, once. Docker takes it in place of the password."""
    from roadstead.auth import app_passwords
    from roadstead.index import accounts

    now_ms = clock.now_ms()
    expires_at_ms = None if expires is None else _end_ms(expires, now_ms)

    with services_of(data) as services:
        made, secret = services.database.write_now(
            lambda connection: app_passwords.create(
                connection,
                accounts.find(connection, name, now_ms),
                label,
                repositories=repository or (app_passwords.EVERY_REPOSITORY,),
                actions=action or (Action.PULL,),
                now_ms=now_ms,
                expires_at_ms=expires_at_ms,
            )
        )
    if as_json:
        print_json({**_fields(made), "secret": secret})
    else:
        print_facts({"secret": secret, "label": label, **_limits(made), "expires": moment(expires_at_ms) or "never"})


@app.command("list", epilog="Example: roadstead app-password list alice")
def list_(name: Name, data: Data = None, as_json: AsJson = False) -> None:
    """List an account's app passwords, without their secrets."""
    from roadstead.auth import app_passwords
    from roadstead.index import accounts

    now_ms = clock.now_ms()
    with services_of(data) as services:
        found = services.database.read_now(
            lambda connection: app_passwords.of_account(connection, accounts.find(connection, name, now_ms).id)
        )
    if as_json:
        print_json([_fields(one) for one in found])
    else:
        rows = [
            (one.label, *_limits(one).values(), moment(one.expires_at_ms), moment(one.revoked_at_ms)) for one in found
        ]
        print_table(("LABEL", "REPOSITORIES", "ACTIONS", "EXPIRES", "REVOKED"), rows)


@app.command(epilog="Example: roadstead app-password revoke alice ci")
def revoke(name: Name, label: Label, data: Data = None, as_json: AsJson = False) -> None:
    """Revoke an app password. Tokens that were given for it end too."""
    from roadstead.auth import app_passwords
    from roadstead.index import accounts

    now_ms = clock.now_ms()
    with services_of(data) as services:
        gone = services.database.write_now(
            lambda connection: app_passwords.revoke(
                connection, accounts.find(connection, name, now_ms), label, now_ms=now_ms
            )
        )
    if as_json:
        print_json(_fields(gone))
    else:
        print_facts({"revoked": gone.label})


def _limits(one: AppPassword) -> dict[str, str]:
    return {"repositories": ",".join(one.limits.repositories), "actions": ",".join(sorted(one.limits.actions))}


def _fields(one: AppPassword) -> dict[str, Any]:
    return {
        "label": one.label,
        "repositories": one.limits.repositories,
        "actions": sorted(one.limits.actions),
        "created_at_ms": one.created_at_ms,
        "expires_at_ms": one.expires_at_ms,
        "revoked_at_ms": one.revoked_at_ms,
    }


def _end_ms(text: str, now_ms: int) -> int:
    if days := _DAYS.fullmatch(text):
        return now_ms + int(days[1]) * DAY_MS
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise Invalid(f"{text!r} is no end", remedy="expected days from now (90d) or a date (2027-01-31)") from None
