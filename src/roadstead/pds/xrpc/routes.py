"""All that the PDS answers, as routes for the server's composition."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from roadstead.pds.xrpc.identity import IdentityMethods
from roadstead.pds.xrpc.methods import Methods
from roadstead.pds.xrpc.parts import Parts
from roadstead.pds.xrpc.repo import RepoMethods
from roadstead.pds.xrpc.server import ServerMethods
from roadstead.pds.xrpc.subscribe import Firehose
from roadstead.pds.xrpc.sync import SyncMethods


def routes(parts: Parts) -> list[BaseRoute]:
    """`/xrpc/…`, and `/.well-known/…` of every host that is an account's or this server's."""
    server, repo, sync, identity = ServerMethods(parts), RepoMethods(parts), SyncMethods(parts), IdentityMethods(parts)
    methods = Methods(
        queries={**server.queries(), **repo.queries(), **sync.queries(), **identity.queries()},
        procedures={**server.procedures(), **repo.procedures()},
    )
    # Clients of the AT Protocol run in browsers too, and no cookie is ever looked at.
    anywhere = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"], allow_headers=["*"])
    return [
        WebSocketRoute("/xrpc/com.atproto.sync.subscribeRepos", Firehose(parts.database, parts.address).subscribe),
        Mount(
            "/xrpc",
            routes=[Route("/{nsid:path}", methods.answer, methods=["GET", "POST"])],
            middleware=[anywhere],
        ),
        Route("/.well-known/atproto-did", identity.atproto_did),
        Route("/.well-known/did.json", identity.did_json),
    ]
