"""Sessions at the embedded PDS (`com.atproto.server.createSession` and its siblings).

An access token is a token of this server with an audience and a scope of its own, so that it is good at the PDS and
never at the registry, and the other way round. A refresh token is good once: what it holds that counts is the secret
in `jti`, which is kept as a hash; its signature is for readers who expect a JWT, since it outlives the keys that sign.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy.engine import Connection

from roadstead.auth import refresh
from roadstead.auth.keys import SigningKeys
from roadstead.auth.login import Login
from roadstead.auth.standing import Credential, asker_for
from roadstead.core.access.rights import Asker
from roadstead.core.access.token import LONGEST, Claims, encode, key_id, not_good, verify
from roadstead.core.errors import Unauthorized
from roadstead.index.database import Database
from roadstead.index.remembered import Remembered

ACCESS: Final = "com.atproto.access"
REFRESH: Final = "com.atproto.refresh"
EXPIRED: Final = "expired_token"
"""`Unauthorized.error` of an access token whose time is over: clients then refresh it."""

PURPOSE: Final = "pds"

ACCESS_LIFE_S: Final = 2 * 3600
"""How long an access token lasts. Some clients refresh it when it has a quarter of an hour left."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who logged in, and the tokens to show it with."""

    asker: Asker
    access_jwt: str
    refresh_jwt: str


class _Payload(msgspec.Struct):
    scope: str
    jti: str
    iat: int


_decoder: Final = msgspec.json.Decoder(_Payload)


class Sessions:
    """Opens, refreshes, ends and recognises sessions. One for each process.

    Args:
        service_did: the DID of this server, which its tokens are for.
        life_s: how long an access token lasts; the signing keys have to be kept for as long.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        keys: SigningKeys,
        login: Login,
        *,
        service_did: str,
        life_s: int = ACCESS_LIFE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._keys = keys
        self._login = login
        self._service_did = service_did
        self._life_s = life_s
        self._clock = clock

        def standing(connection: Connection, given: Credential) -> Asker | None:
            return asker_for(connection, given, int(clock() * 1000))

        self._standing: Remembered[Credential, Asker | None] = Remembered(database, standing)

    async def create(self, identifier: str, password: str, address: str) -> Session:
        """A new session.

        Args:
            identifier: the account's name, handle or DID.
            password: its password, or one of its app passwords.
            address: what the client is limited as.

        Raises:
            Unauthorized: no such account, or not its password.
            TooManyRequests: too many failed attempts.
        """
        asker = await self._login(identifier, password, address)
        now_ms = self._now_ms()
        secret = await self._database.write(lambda c: refresh.issue(c, asker, PURPOSE, now_ms=now_ms))
        return await self._session(asker, secret)

    async def refresh(self, refresh_jwt: str) -> Session:
        """The session that follows one; its refresh token ends.

        Raises:
            Unauthorized: not a refresh token of this server, or used before, or ended.
        """
        secret, now_ms = _secret_in(refresh_jwt), self._now_ms()
        asker, following = await self._database.write(lambda c: refresh.rotate(c, secret, PURPOSE, now_ms=now_ms))
        return await self._session(asker, following)

    async def delete(self, refresh_jwt: str) -> None:
        """Ends a session. Its access token lasts until its time is over.

        Raises:
            Unauthorized: not a refresh token of this server.
        """
        secret = _secret_in(refresh_jwt)
        await self._database.write(lambda connection: refresh.revoke(connection, secret, PURPOSE))

    async def asker(self, access_jwt: str) -> Asker:
        """Whose an access token is.

        Raises:
            Unauthorized: not an access token of this server's PDS, or no longer good; its `error` is `EXPIRED` where
                only its time is over.
        """
        claims = await self._verified(access_jwt)
        if claims.scope != ACCESS or claims.account is None:
            raise not_good("it is no access token of the PDS")
        asker = await self._standing.get(Credential(claims.account, claims.app_password, claims.credential))
        if asker is None:
            raise not_good("what it was given for has ended")
        return asker

    async def _session(self, asker: Asker, secret: str) -> Session:
        key, now_s = await self._keys.signer(), int(self._clock())
        access = Claims(
            iss=self._service_did,
            sub=asker.did,
            aud=self._service_did,
            iat=now_s,
            nbf=now_s,
            exp=now_s + self._life_s,
            jti=secrets.token_hex(16),
            account=asker.account_id,
            app_password=asker.app_password_id,
            credential=asker.credential,
            scope=ACCESS,
        )
        following = Claims(
            iss=self._service_did,
            sub=asker.did,
            aud=self._service_did,
            iat=now_s,
            nbf=now_s,
            exp=now_s + refresh.LIFE_S,
            jti=secret,
            scope=REFRESH,
        )
        return Session(asker, encode(access, key), encode(following, key))

    async def _verified(self, text: str) -> Claims:
        key = await self._keys.verifier(key_id(text))
        if key is None:
            raise not_good("it is signed with a key that this server does not have")
        now_s = self._clock()
        try:
            return verify(text, key, service=self._service_did, now_s=now_s)
        except Unauthorized as error:
            # Seen from the time it was made at, only what is wrong with it beside its age is an error.
            if verify(text, key, service=self._service_did, now_s=_payload(text).iat).exp <= now_s:
                raise Unauthorized("the token has expired", remedy="refresh the session", error=EXPIRED) from error
            raise

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _secret_in(refresh_jwt: str) -> str:
    """The secret of a refresh token. Whether it is good is known by who keeps its hash."""
    claims = _payload(refresh_jwt)
    if claims.scope != REFRESH:
        raise not_good("it is no refresh token")
    return claims.jti


def _payload(text: str) -> _Payload:
    """What a token claims. Nothing is verified."""
    try:
        if len(text) > LONGEST:
            raise ValueError("too long")
        payload = text.split(".")[1]
        return _decoder.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (msgspec.MsgspecError, binascii.Error, ValueError, IndexError, RecursionError) as error:
        raise not_good("it is malformed") from error
