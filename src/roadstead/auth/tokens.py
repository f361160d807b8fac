"""Tokens of the registry: who gets one that names what, and whose a token is that comes back.

A token only narrows: see `roadstead.core.access.rights.require`, which asks at the time of use. It ends before its time
when the password or app password that it was given for does.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.engine import Connection

from roadstead.auth.keys import SigningKeys
from roadstead.auth.standing import Credential, asker_for
from roadstead.core.access.account import Account
from roadstead.core.access.rights import ANONYMOUS, NOBODY, Action, Allowed, Asker, Bearer, decide
from roadstead.core.access.scope import CATALOG, EVERY, REGISTRY, REPOSITORY, Scope
from roadstead.core.access.token import LONGEST, Access, Claims, encode, key_id, not_good, verify
from roadstead.core.errors import InvalidName, Unauthorized, UnknownName
from roadstead.identity.resolve import Resolver
from roadstead.index.database import Database
from roadstead.index.generation import EVERYTHING, MAX_AGE_S
from roadstead.index.remembered import Remembered
from roadstead.index.rights import rights_of

SCHEME: Final = b"bearer "
MOST_REMEMBERED: Final = 1024
"""Tokens that a process remembers: about 2 MiB of common ones."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token for a client.

    Args:
        issued_at_s: whole seconds since 1970.
    """

    text: str
    issued_at_s: int
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class _Known:
    """A token whose signature was verified, and whose account was there when it was asked last."""

    claims: Claims
    bearer: Bearer
    generation: int
    good_until_s: float


class Tokens:
    """Issues and authenticates tokens. One for each process.

    Args:
        service: the audience of tokens, and their issuer: the name of this server in challenges.
        life_s: how long a token lasts.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        keys: SigningKeys,
        resolver: Resolver,
        *,
        service: str,
        life_s: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._keys = keys
        self._resolver = resolver
        self._service = service
        self._life_s = life_s
        self._clock = clock
        self._generation = database.generation
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

        def standing(connection: Connection, given: Credential) -> Asker | None:
            return asker_for(connection, given, int(clock() * 1000))

        self._standing: Remembered[Credential, Asker | None] = Remembered(database, standing)

    async def issue(self, asker: Asker, scopes: Sequence[Scope]) -> IssuedToken:
        """A token that names those of the asked actions that `asker` may do now; perhaps none.

        A name that is malformed, or that nobody here has, is named in no token; the request that uses it is told.
        """
        asked = await self._resolved(scopes)
        access = await self._database.read(lambda connection: _permitted(connection, asker, asked))
        if any(scope.kind == REGISTRY and scope.name == CATALOG and EVERY in scope.actions for scope in scopes):
            access.append(Access(REGISTRY, CATALOG, (EVERY,)))
        now_s = int(self._clock())
        claims = Claims(
            iss=self._service,
            sub=asker.did,
            aud=self._service,
            iat=now_s,
            nbf=now_s,
            exp=now_s + self._life_s,
            jti=secrets.token_hex(16),
            access=tuple(access),
            account=asker.account_id,
            app_password=asker.app_password_id,
            credential=asker.credential,
        )
        return IssuedToken(encode(claims, await self._keys.signer()), now_s, self._life_s)

    async def authenticate(self, header: bytes | None) -> Bearer:
        """Whose token the value of an `Authorization` header is. Suspends only when the header is new or old.

        Args:
            header: `None` when the request has none, which gives `NOBODY`.

        Raises:
            Unauthorized: not a token of this server, or one that is no longer good; its `error` is `invalid_token`.
            Unavailable: the database does not answer.
        """
        if header is None:
            return NOBODY
        known = self._known.get(header)
        generation = self._generation.of(EVERYTHING)
        if known is not None and known.generation == generation and self._clock() < known.good_until_s:
            return known.bearer
        claims = known.claims if known is not None else await self._verified(_token_in(header))
        try:
            return self._remember(header, claims, await self._bearer(claims), generation)
        except Unauthorized:
            self._known.pop(header, None)
            raise

    async def _verified(self, text: str) -> Claims:
        key = await self._keys.verifier(key_id(text))
        if key is None:
            raise not_good("it is signed with a key that this server does not have")
        return verify(text, key, service=self._service, now_s=self._clock())

    async def _bearer(self, claims: Claims) -> Bearer:
        """Who bears the token, if its time is not over and its account and credential are still there."""
        if self._clock() >= claims.exp:
            raise not_good("it has expired")
        asker: Asker | None = ANONYMOUS
        if claims.account is not None:
            asker = await self._standing.get(Credential(claims.account, claims.app_password, claims.credential))
        if asker is None:
            raise not_good("what it was given for has ended")
        return Bearer(asker, *_access(claims.access))

    def _remember(self, header: bytes, claims: Claims, bearer: Bearer, generation: int) -> Bearer:
        """Keeps the answer.

        Args:
            generation: as it was before anything was asked.
        """
        good_until_s = min(claims.exp, self._clock() + MAX_AGE_S)
        self._known[header] = _Known(claims, bearer, generation, good_until_s)
        self._known.move_to_end(header)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return bearer

    async def _resolved(self, scopes: Iterable[Scope]) -> list[tuple[Account, str, frozenset[str]]]:
        """The account, the path and the actions of each repository that is asked for."""
        found = []
        for scope in scopes:
            if scope.kind == REPOSITORY:
                try:
                    account, name = await self._resolver.repository(scope.name)
                except (InvalidName, UnknownName):
                    continue
                found.append((account, name.path, frozenset(scope.actions)))
        return found


def _permitted(
    connection: Connection, asker: Asker, asked: Iterable[tuple[Account, str, frozenset[str]]]
) -> list[Access]:
    access = []
    for account, path, actions in asked:
        rights = rights_of(connection, account, path)
        wanted = [action for action in Action if action in actions or EVERY in actions]
        given = tuple(action.value for action in wanted if isinstance(decide(asker, rights, action), Allowed))
        if given:
            access.append(Access(REPOSITORY, rights.name, given))
    return access


def _access(entries: Iterable[Access]) -> tuple[dict[str, frozenset[str]], bool]:
    """What a token names: actions by repository, and whether the catalog is among it."""
    named: dict[str, frozenset[str]] = {}
    catalog = False
    for entry in entries:
        if entry.type == REPOSITORY:
            named[entry.name] = named.get(entry.name, frozenset()) | frozenset(entry.actions)
        catalog = catalog or (entry.type == REGISTRY and entry.name == CATALOG)
    return named, catalog


def _token_in(header: bytes) -> str:
    if header[: len(SCHEME)].lower() != SCHEME:
        raise Unauthorized("the Authorization header has no Bearer token", remedy="get one from /auth/token")
    if len(header) > len(SCHEME) + LONGEST:
        raise not_good("it is too long")
    # Any byte has a character in Latin-1; the token's own check says what is wrong with it.
    return header[len(SCHEME) :].decode("latin-1").strip()
