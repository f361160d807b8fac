"""`com.atproto.identity.*`, and what is well known of a host (AT Protocol handle specification; W3C did:web)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from roadstead.core.access.account import Account
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.handle import Handle
from roadstead.core.errors import InvalidName, UnknownName
from roadstead.pds.xrpc.call import Call, json_response
from roadstead.pds.xrpc.errors import UnknownHandle
from roadstead.pds.xrpc.methods import Handler, guarded
from roadstead.pds.xrpc.parts import Parts


class IdentityMethods:
    """The methods of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def queries(self) -> Mapping[str, Handler]:
        """Methods that are got."""
        return {
            "com.atproto.identity.resolveHandle": self.resolve_handle,
            "com.atproto.identity.resolveDid": self.resolve_did,
        }

    async def resolve_handle(self, call: Call) -> Response:
        """The DID of a handle of this server: at home it alone can say."""
        handle = Handle.parse(call.text("handle"))
        return json_response({"did": (await self._by_host(str(handle))).did})

    async def resolve_did(self, call: Call) -> Response:
        """The DID document of an account of this server."""
        did = Did.parse(call.text("did"))
        account = await self._parts.resolver.account(str(did))
        document = await self._parts.did_document(account, call.request)
        return json_response({"didDoc": replace(document, did=did).json()})

    async def atproto_did(self, request: Request) -> Response:
        """`/.well-known/atproto-did`: the DID of the handle that this host is."""

        async def work() -> Response:
            return PlainTextResponse((await self._by_host(_host(request))).did)

        return _absent_as_404(await guarded(work, method="atproto-did"))

    async def did_json(self, request: Request) -> Response:
        """`/.well-known/did.json`: the document of the did:web that this host is: an account, or this server."""

        async def work() -> Response:
            host = _host(request)
            try:
                account = await self._by_host(host)
            except UnknownHandle:
                return self._service_document(request, host)
            document = await self._parts.did_document(account, request)
            # A host that this server had before names the same account: its document has to name that host.
            return json_response(replace(document, did=Did.of_web(host)).json())

        return _absent_as_404(await guarded(work, method="did.json"))

    async def _by_host(self, host: str) -> Account:
        try:
            return await self._parts.resolver.account(str(Handle.parse(host)))
        except (InvalidName, UnknownName) as error:
            raise UnknownHandle(f"no account of this server has the handle {host[:253]!r}") from error

    def _service_document(self, request: Request, host: str) -> Response:
        if Did.parse(self._parts.service_did).host not in (host, request.headers.get("host", "").lower()):
            raise UnknownHandle(f"this server knows nothing of the host {host[:253]!r}")
        endpoint = self._parts.base_url(request)
        service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": endpoint}
        document = {
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": self._parts.service_did,
            "service": [service],
        }
        return json_response(document)


def _host(request: Request) -> str:
    """The host that the request was sent to, without its port; this server's own where `Host` is malformed."""
    # Without what else the URL has: a query that is no UTF-8 would have no URL.
    url = URL(scope={**request.scope, "path": "/", "query_string": b""})
    return (url.hostname or "").lower()


def _absent_as_404(response: Response) -> Response:
    if response.status_code == 400:
        response.status_code = 404
    return response
