"""Whether a credential that was good once still is: tokens and refresh tokens end with what they were given for."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.access.credentials import credential_of
from roadstead.core.access.rights import Asker, Limits
from roadstead.index.tables import accounts, app_passwords


@dataclass(frozen=True, slots=True)
class Credential:
    """What a token was given for: an account's password, or one of its app passwords."""

    account_id: int
    app_password_id: int | None
    fingerprint: str


def asker_for(connection: Connection, given: Credential, now_ms: int) -> Asker | None:
    """Who bears it, with the limits of now; `None` when the password was changed, or the rest is gone or over."""
    if given.app_password_id is not None:
        return by_app_password(connection, app_passwords.c.id == given.app_password_id, given.account_id, now_ms)
    asker = by_password(connection, given.account_id)
    return asker if asker is not None and asker.credential == given.fingerprint else None


def by_password(connection: Connection, account_id: int) -> Asker | None:
    """The account as it is when it has logged in with its own password."""
    columns = (accounts.c.name, accounts.c.did, accounts.c.password_hash)
    row = connection.execute(sa.select(*columns).where(accounts.c.id == account_id)).first()
    return Asker(account_id, row.name, row.did, credential_of(row.password_hash)) if row else None


def by_app_password(
    connection: Connection, condition: sa.ColumnElement[bool], account_id: int, now_ms: int
) -> Asker | None:
    """The account as it is when it has logged in with the app password that meets `condition`, if that is good."""
    good = sa.and_(
        condition,
        app_passwords.c.account_id == account_id,
        app_passwords.c.revoked_at_ms.is_(None),
        sa.or_(app_passwords.c.expires_at_ms.is_(None), app_passwords.c.expires_at_ms > now_ms),
    )
    columns = (
        accounts.c.name,
        accounts.c.did,
        app_passwords.c.id,
        app_passwords.c.repositories,
        app_passwords.c.actions,
    )
    row = connection.execute(sa.select(*columns).join_from(app_passwords, accounts).where(good)).first()
    if row is None:
        return None
    limits = Limits(
        msgspec.json.decode(row.repositories, type=tuple[str, ...]),
        msgspec.json.decode(row.actions, type=frozenset[str]),
    )
    return Asker(account_id, row.name, row.did, app_password_id=row.id, limits=limits)
