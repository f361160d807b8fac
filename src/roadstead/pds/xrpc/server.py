"""`com.atproto.server.*`: what this server is, and sessions."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from roadstead.core.access.account import Account
from roadstead.core.access.rights import Asker
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.nsid import parse_nsid
from roadstead.core.errors import Denied, Invalid
from roadstead.index import accounts
from roadstead.pds import repositories
from roadstead.pds.ports import Session
from roadstead.pds.xrpc.call import Call, empty_response, json_response
from roadstead.pds.xrpc.errors import InvalidInvite
from roadstead.pds.xrpc.methods import Handler
from roadstead.pds.xrpc.parts import Parts

MAX_SERVICE_AUTH_S: Final = 3600
MAX_UNBOUND_SERVICE_AUTH_S: Final = 60
"""Without a method that it is bound to, a token for another service lasts a minute (as in the reference PDS)."""


class _Credentials(msgspec.Struct):
    identifier: str
    password: str


class ServerMethods:
    """The methods of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def queries(self) -> Mapping[str, Handler]:
        """Methods that are got."""
        return {
            "com.atproto.server.describeServer": self.describe,
            "com.atproto.server.getSession": self.get_session,
            "com.atproto.server.getServiceAuth": self.service_auth,
        }

    def procedures(self) -> Mapping[str, Handler]:
        """Methods that are posted."""
        return {
            "com.atproto.server.createAccount": self.create_account,
            "com.atproto.server.createSession": self.create_session,
            "com.atproto.server.refreshSession": self.refresh_session,
            "com.atproto.server.deleteSession": self.delete_session,
        }

    async def describe(self, _call: Call) -> Response:
        """What this server is."""
        host = await self._parts.database.read(accounts.host)
        return json_response(
            {
                "did": self._parts.service_did,
                "availableUserDomains": [f".{host}"],
                "inviteCodeRequired": True,
                "links": {},
                "contact": {},
            }
        )

    async def create_account(self, _call: Call) -> Response:
        """Refused: accounts are the operator's to make."""
        raise InvalidInvite(
            "accounts of this server are made by its operator", remedy="ask for one: roadstead account create NAME"
        )

    async def create_session(self, call: Call) -> Response:
        """Logs in with the account's password or an app password."""
        given = await call.json(_Credentials)
        address = self._parts.address(call.request)
        return await self._opened(call, await self._parts.sessions.create(given.identifier, given.password, address))

    async def refresh_session(self, call: Call) -> Response:
        """The session that follows the one whose refresh token is sent."""
        return await self._opened(call, await self._parts.sessions.refresh(call.bearer))

    async def delete_session(self, call: Call) -> Response:
        """Ends the session whose refresh token is sent."""
        await self._parts.sessions.delete(call.bearer)
        return empty_response()

    async def get_session(self, call: Call) -> Response:
        """Who is logged in."""
        asker = await self._parts.sessions.asker(call.bearer)
        return json_response(await self._described(call, asker))

    async def service_auth(self, call: Call) -> Response:
        """A token by which the account shows another service who it is (AT Protocol, Inter-Service Authentication)."""
        asker = await self._parts.sessions.asker(call.bearer)
        if asker.limits is not None:
            raise Denied("an app password gives no tokens for other services", remedy="log in with the password")
        lxm = call.optional("lxm")
        longest = MAX_SERVICE_AUTH_S if lxm else MAX_UNBOUND_SERVICE_AUTH_S
        now_s = int(self._parts.clock())
        expires = call.integer("exp", default=now_s + MAX_UNBOUND_SERVICE_AUTH_S, least=0, most=2**40)
        if not now_s < expires <= now_s + longest:
            raise Invalid(f"the token would not end within {longest} s from now", remedy="choose another `exp`")
        audience = call.text("aud")
        Did.parse(audience.partition("#")[0])
        claims: dict[str, Any] = {"iss": asker.did, "aud": audience, "iat": now_s, "exp": expires}
        claims["jti"] = secrets.token_hex(16)
        if lxm:
            claims["lxm"] = parse_nsid(lxm)
        return json_response({"token": await self._signed(asker, claims)})

    async def _opened(self, call: Call, session: Session) -> Response:
        tokens = {"accessJwt": session.access_jwt, "refreshJwt": session.refresh_jwt}
        return json_response({**tokens, **await self._described(call, session.asker)})

    async def _described(self, call: Call, asker: Asker) -> dict[str, Any]:
        account: Account = await self._parts.resolver.account(asker.name)
        document = await self._parts.did_document(account, call.request)
        return {"handle": account.handle, "did": account.did, "didDoc": document.json(), "active": True}

    async def _signed(self, asker: Asker, claims: dict[str, Any]) -> str:
        account_id = asker.account_id
        if account_id is None:
            raise Denied("nobody has logged in")
        there = await self._parts.database.read(lambda connection: repositories.hosted(connection, account_id))
        head = _base64url(msgspec.json.encode({"typ": "JWT", "alg": "ES256"}))
        signed = f"{head}.{_base64url(msgspec.json.encode(claims))}"
        return f"{signed}.{_base64url(self._parts.memory.signer(there.private_key_pem)(signed.encode()))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
