"""Refresh tokens: random, kept as SHA-256, good until they expire, are revoked, or what they were given for ends.

Two purposes use them, each its own way. A client of the registry keeps one for as long as it may, and has no way to
store another that it is given later (docker's daemon has it from the command line's store), so that it stays the
same and its end moves on with every use. A client of the PDS gets a new one with every use, and the old one ends.

All are works within a transaction.
"""

from __future__ import annotations

import secrets
from typing import Final, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.auth.standing import Credential, asker_for
from roadstead.core.access.credentials import REFRESH_TOKEN_PREFIX, credential_of, secret_sha256
from roadstead.core.access.rights import Asker
from roadstead.core.errors import Unauthorized
from roadstead.index.tables import accounts, refresh_tokens

Purpose: TypeAlias = Literal["registry", "pds"]

LIFE_S: Final = 90 * 86_400
MOST_PER_ACCOUNT: Final = 1000
"""Tokens of one account and purpose; the one that would end first makes room."""

SECRET_BYTES: Final = 32


def issue(connection: Connection, asker: Asker, purpose: Purpose, *, now_ms: int, life_s: int = LIFE_S) -> str:
    """A new refresh token for who has just logged in.

    Raises:
        Unauthorized: nobody has.
    """
    if asker.account_id is None:
        raise Unauthorized("a refresh token is for an account", remedy="log in first")
    _make_room(connection, asker.account_id, purpose, now_ms)
    secret = REFRESH_TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    row = {
        "secret_sha256": secret_sha256(secret),
        "account_id": asker.account_id,
        "app_password_id": asker.app_password_id,
        "purpose": purpose,
        "created_at_ms": now_ms,
        "expires_at_ms": now_ms + life_s * 1000,
    }
    connection.execute(refresh_tokens.insert().values(row))
    return secret


def use(connection: Connection, secret: str, purpose: Purpose, *, now_ms: int, life_s: int = LIFE_S) -> Asker:
    """Who a refresh token was given to. It stays, and lasts `life_s` from now.

    Raises:
        Unauthorized: it is not one, or no longer good.
    """
    is_it = refresh_tokens.c.secret_sha256 == secret_sha256(secret)
    asker = _bearer(connection, is_it, purpose, now_ms)
    connection.execute(refresh_tokens.update().where(is_it).values(expires_at_ms=now_ms + life_s * 1000))
    return asker


def rotate(
    connection: Connection, secret: str, purpose: Purpose, *, now_ms: int, life_s: int = LIFE_S
) -> tuple[Asker, str]:
    """Who a refresh token was given to, and the one that takes its place.

    Raises:
        Unauthorized: it is not one, or no longer good.
    """
    is_it = refresh_tokens.c.secret_sha256 == secret_sha256(secret)
    asker = _bearer(connection, is_it, purpose, now_ms)
    if connection.execute(refresh_tokens.delete().where(is_it)).rowcount == 0:
        raise _not_good()  # another replica was first
    return asker, issue(connection, asker, purpose, now_ms=now_ms, life_s=life_s)


def revoke(connection: Connection, secret: str, purpose: Purpose) -> bool:
    """Ends a refresh token; whether there was one."""
    is_it = (refresh_tokens.c.secret_sha256 == secret_sha256(secret)) & (refresh_tokens.c.purpose == purpose)
    return connection.execute(refresh_tokens.delete().where(is_it)).rowcount > 0


def _bearer(connection: Connection, is_it: sa.ColumnElement[bool], purpose: Purpose, now_ms: int) -> Asker:
    query = (
        sa.select(refresh_tokens.c.account_id, refresh_tokens.c.app_password_id, accounts.c.password_hash)
        .join_from(refresh_tokens, accounts)
        .where(is_it, refresh_tokens.c.purpose == purpose, refresh_tokens.c.expires_at_ms > now_ms)
    )
    row = connection.execute(query).first()
    if row is None:
        raise _not_good()
    # Changing the password deletes what was given for the old one, so that the present one is the one.
    given = Credential(row.account_id, row.app_password_id, credential_of(row.password_hash))
    asker = asker_for(connection, given, now_ms)
    if asker is None:
        raise _not_good()
    return asker


def _make_room(connection: Connection, account_id: int, purpose: Purpose, now_ms: int) -> None:
    own = (refresh_tokens.c.account_id == account_id) & (refresh_tokens.c.purpose == purpose)
    connection.execute(refresh_tokens.delete().where(own, refresh_tokens.c.expires_at_ms <= now_ms))
    newest_first = sa.select(refresh_tokens.c.secret_sha256).where(own).order_by(refresh_tokens.c.expires_at_ms.desc())
    too_many = connection.execute(newest_first.offset(MOST_PER_ACCOUNT - 1)).scalars().all()
    if too_many:
        connection.execute(refresh_tokens.delete().where(refresh_tokens.c.secret_sha256.in_(too_many)))


def _not_good() -> Unauthorized:
    return Unauthorized("the refresh token is not good, or no longer", remedy="log in again", error="invalid_token")
