"""Tokens of the registry: their claims, signing and verifying (RFC 7519; distribution.github.io/…/spec/auth/jwt).

Owns what a token says and when it is good. Which key it is, what time it is and whether its account still stands
are arguments or somebody else's question. Only ES256 is known: a token cannot choose how it is
verified (RFC 8725, 3.1).

Invariant: any text gives claims, or one `Unauthorized`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import msgspec

from roadstead.core.errors import Unauthorized

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

ALGORITHM: Final = "ES256"
LONGEST: Final = 12 * 1024
"""Characters of a token at most. What `roadstead.core.access.scope` lets be asked for fits, and so it does into a
header."""

LEEWAY_S: Final = 30
"""How far the clocks of replicas may differ: a token may come from as far in the future."""

Name = Annotated[str, msgspec.Meta(max_length=1024)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**40)]


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A P-256 key pair that signs tokens, and its name in their headers."""

    kid: str
    key: ECKey


class Access(msgspec.Struct, frozen=True):
    """An entry of `access`: actions on one resource."""

    type: Name
    name: Name
    actions: tuple[Name, ...]


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token says.

    Args:
        sub: the account's DID; empty for nobody.
        aud: the service that it is for.
        iat: whole seconds since 1970, as are `nbf` (not before) and `exp` (the first second it is no longer good).
        jti: its own name, random.
        account: the account's id; none for nobody.
        app_password: the id of the app password that it was given for.
        credential: see `Asker.credential`.
        scope: of sessions at the PDS: see `roadstead.auth.sessions`. The registry's tokens have none.
    """

    iss: Name
    sub: Name
    aud: Name
    iat: Seconds
    nbf: Seconds
    exp: Seconds
    jti: Name
    access: tuple[Access, ...] = ()
    account: int | None = None
    app_password: int | None = None
    credential: Name = ""
    scope: Name = ""


class _Header(msgspec.Struct, frozen=True):
    alg: Name
    kid: Name


_claims: Final = msgspec.json.Decoder(Claims)
_header: Final = msgspec.json.Decoder(_Header)


def encode(claims: Claims, key: TokenKey) -> str:
    """The signed token."""
    from joserfc import jws  # it brings 15 MB that a command which signs nothing does without

    header = {"alg": ALGORITHM, "typ": "JWT", "kid": key.kid}
    return jws.serialize_compact(header, msgspec.json.encode(claims), key.key, algorithms=[ALGORITHM])


def key_id(text: str) -> str:
    """The key that a token claims to be signed with. Nothing is verified.

    Raises:
        Unauthorized: no token, or not one of this server.
    """
    if len(text) > LONGEST or not text.isascii():
        _refuse("it is too long or not ASCII")
    try:
        header = _header.decode(_unpadded(text.partition(".")[0]))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        _refuse("it is malformed")
    if header.alg != ALGORITHM:
        _refuse(f"it is not signed with {ALGORITHM}")
    return header.kid


def verify(text: str, key: TokenKey, *, service: str, now_s: float) -> Claims:
    """What a token says, if it was signed with `key`, is for this service and good at this time.

    Args:
        service: issuer and audience of the tokens of this server.

    Raises:
        Unauthorized: forged, malformed, for another service, expired or not yet good.
    """
    from joserfc import jws
    from joserfc.errors import JoseError

    if key_id(text) != key.kid:
        _refuse("it is signed with another key")
    try:
        payload = jws.deserialize_compact(text, key.key, algorithms=[ALGORITHM]).payload
        claims = _claims.decode(payload)
    except (JoseError, msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        _refuse("its signature or its form is wrong")
    if claims.aud != service or claims.iss != service:
        _refuse("it is for another service")
    if now_s >= claims.exp:
        _refuse("it has expired")
    if now_s + LEEWAY_S < max(claims.nbf, claims.iat):
        _refuse("it is not good yet")
    return claims


def generate_key(kid: str) -> TokenKey:
    """A new key. (Randomness is the system's: the library takes none as an argument.)"""
    from joserfc.jwk import ECKey

    return TokenKey(kid, ECKey.generate_key("P-256", private=True))


def key_from_pem(kid: str, pem: str) -> TokenKey:
    """The key that `key_to_pem` wrote.

    Raises:
        ValueError: not such a key.
    """
    from joserfc.jwk import ECKey

    return TokenKey(kid, ECKey.import_key(pem))


def key_to_pem(key: TokenKey) -> str:
    """The private key as PKCS#8 PEM."""
    return key.key.as_pem(private=True).decode()


def _unpadded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def not_good(why: str) -> Unauthorized:
    """The error for a token that gives nothing."""
    return Unauthorized(f"the token is not good: {why}", remedy="get a new one", error="invalid_token")


def _refuse(why: str) -> NoReturn:
    raise not_good(why) from None
