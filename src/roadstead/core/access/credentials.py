"""Passwords and the secrets that stand in for them: what they may look like, and what is kept of them."""

from __future__ import annotations

import hashlib
from typing import Final

from roadstead.core.errors import Invalid

PASSWORD_LENGTHS: Final = range(8, 257)
"""Characters of an account's password. The upper bound keeps a request from costing more than its hash."""

APP_PASSWORD_PREFIX: Final = "rsp_"  # noqa: S105 - a prefix is no secret
REFRESH_TOKEN_PREFIX: Final = "rsr_"  # noqa: S105
"""Prefixes by which people and secret scanners recognise what they have found."""


def check_password(password: str, account_name: str) -> str:
    """`password`, if the account may have it.

    Raises:
        Invalid: too short, too long, with control characters, of the form of an app password, or the name itself.
    """
    if len(password) not in PASSWORD_LENGTHS:
        raise Invalid(
            f"the password has {len(password)} characters",
            remedy=f"expected {PASSWORD_LENGTHS.start} to {PASSWORD_LENGTHS.stop - 1}",
        )
    if not password.isprintable():
        raise Invalid("the password has control characters", remedy="use letters, digits, spaces and signs")
    if password.startswith(APP_PASSWORD_PREFIX):
        raise Invalid(f"a password cannot begin with {APP_PASSWORD_PREFIX}", remedy="app passwords do; choose another")
    if password.lower() == account_name:
        raise Invalid("the password is the account's name", remedy="choose another")
    return password


def secret_sha256(secret: str) -> str:
    """What is kept of a random secret: it has too many bits to be guessed, so it needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def credential_of(password_hash: str) -> str:
    """What tokens carry to end with the password that they were given for: see `Asker.credential`."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]
