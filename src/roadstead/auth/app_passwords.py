"""App passwords: secrets for robots, limited to repositories, actions and a date, and revocable one by one.

Each is random and recognisable by its prefix; only its SHA-256 is kept. All are works within a transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account
from roadstead.core.access.credentials import APP_PASSWORD_PREFIX, secret_sha256
from roadstead.core.access.rights import Action, Limits
from roadstead.core.errors import Conflict, Invalid, UnknownName
from roadstead.core.oci.reference import RepositoryName
from roadstead.index import accounts, audit
from roadstead.index.database import touch
from roadstead.index.dialects import insert
from roadstead.index.generation import EVERYTHING
from roadstead.index.tables import app_passwords, refresh_tokens

LABEL_LENGTHS: Final = range(1, 65)
MOST_PATTERNS: Final = 64
SECRET_BYTES: Final = 24

EVERY_REPOSITORY: Final = "*"


@dataclass(frozen=True, slots=True)
class AppPassword:
    """An app password as a list shows it: without its secret.

    Args:
        expires_at_ms: `None` for one without an end.
    """

    id: int
    label: str
    limits: Limits
    created_at_ms: int
    expires_at_ms: int | None
    revoked_at_ms: int | None


def create(
    connection: Connection,
    account: Account,
    label: str,
    *,
    repositories: Iterable[str] = (EVERY_REPOSITORY,),
    actions: Collection[Action] = (Action.PULL,),
    now_ms: int,
    expires_at_ms: int | None = None,
    actor: str = audit.OPERATOR,
) -> tuple[AppPassword, str]:
    """A new app password, and its secret, which cannot be had again.

    Args:
        label: how its owner tells it from others; a label of a revoked one may be used again.
        repositories: patterns: a repository's name, `NAME/*`, or `*`.

    Raises:
        Invalid: the label, a pattern, the actions or the end are not valid.
        UnknownName: a pattern is in the namespace of nobody here.
        Conflict: the label is in use.
    """
    if len(label) not in LABEL_LENGTHS or not label.isprintable():
        raise Invalid(f"the label {label[:80]!r} is not valid", remedy="expected 1 to 64 printable characters")
    if expires_at_ms is not None and expires_at_ms <= now_ms:
        raise Invalid("the app password would end before it begins", remedy="choose an end in the future")
    limits = Limits(_patterns(connection, repositories, now_ms), _actions(actions))
    secret = APP_PASSWORD_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    row = {
        "account_id": account.id,
        "label": label,
        "secret_sha256": secret_sha256(secret),
        "repositories": msgspec.json.encode(limits.repositories).decode(),
        "actions": msgspec.json.encode(sorted(limits.actions)).decode(),
        "created_at_ms": now_ms,
        "expires_at_ms": expires_at_ms,
    }
    _forget_revoked(connection, account.id, label)
    made = insert(connection, app_passwords).values(row).on_conflict_do_nothing().returning(app_passwords.c.id)
    made_id: int | None = connection.execute(made).scalar()
    if made_id is None:
        raise Conflict(
            f"{account.name} has an app password {label!r} already", remedy="revoke it, or use another label"
        )
    audit.record(connection, now_ms, actor, "app-password.create", account.name, label)
    return AppPassword(made_id, label, limits, now_ms, expires_at_ms, None), secret


def of_account(connection: Connection, account_id: int) -> list[AppPassword]:
    """The app passwords of an account, revoked ones included, oldest first."""
    query = sa.select(app_passwords).where(app_passwords.c.account_id == account_id).order_by(app_passwords.c.id)
    return [_of(row) for row in connection.execute(query)]


def revoke(
    connection: Connection, account: Account, label: str, *, now_ms: int, actor: str = audit.OPERATOR
) -> AppPassword:
    """Ends an app password, and with it the tokens that were given for it.

    Raises:
        UnknownName: the account has none with this label that is not revoked.
    """
    is_it = (app_passwords.c.account_id == account.id) & (app_passwords.c.label == label)
    change = app_passwords.update().where(is_it, app_passwords.c.revoked_at_ms.is_(None)).values(revoked_at_ms=now_ms)
    row = connection.execute(change.returning(*app_passwords.c)).first()
    if row is None:
        raise UnknownName(
            f"{account.name} has no app password {label[:80]!r} to revoke", remedy="see app-password list"
        )
    connection.execute(refresh_tokens.delete().where(refresh_tokens.c.app_password_id == row.id))
    audit.record(connection, now_ms, actor, "app-password.revoke", account.name, label)
    touch(connection, EVERYTHING)
    return _of(row)


def _patterns(connection: Connection, texts: Iterable[str], now_ms: int) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_pattern(connection, text, now_ms) for text in texts))
    if not 1 <= len(found) <= MOST_PATTERNS:
        raise Invalid(f"{len(found)} repository patterns were given", remedy=f"expected 1 to {MOST_PATTERNS}")
    return found


def _pattern(connection: Connection, text: str, now_ms: int) -> str:
    """The pattern with its account's own name in place of a handle or DID: decisions know no other."""
    if text == EVERY_REPOSITORY:
        return text
    below = text.endswith("/*")
    # `alice/*` has no path of its own to parse: any path stands in for it.
    name = RepositoryName.parse(text.removesuffix("*") + "any" if below else text)
    owner = accounts.find(connection, name.owner, now_ms).name
    path = name.path.removesuffix("any") + "*" if below else name.path
    return f"{owner}/{path}"


def _actions(actions: Collection[Action]) -> frozenset[str]:
    if not actions:
        raise Invalid("an app password needs an action", remedy="expected pull, push or delete")
    return frozenset(action.value for action in actions)


def _forget_revoked(connection: Connection, account_id: int, label: str) -> None:
    old = (app_passwords.c.account_id == account_id) & (app_passwords.c.label == label)
    connection.execute(app_passwords.delete().where(old, app_passwords.c.revoked_at_ms.is_not(None)))


def _of(row: sa.Row[*tuple[Any, ...]]) -> AppPassword:
    limits = Limits(
        msgspec.json.decode(row.repositories, type=tuple[str, ...]),
        msgspec.json.decode(row.actions, type=frozenset[str]),
    )
    return AppPassword(row.id, row.label, limits, row.created_at_ms, row.expires_at_ms, row.revoked_at_ms)
