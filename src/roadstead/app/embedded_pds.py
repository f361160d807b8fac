"""The embedded PDS, built on the services of one worker."""

from __future__ import annotations

from starlette.routing import BaseRoute

from roadstead.app.services import Services, hold_identity
from roadstead.auth.keys import SigningKeys
from roadstead.auth.login import Login
from roadstead.auth.sessions import Sessions
from roadstead.core.access.client_address import Client
from roadstead.identity.resolve import Resolver
from roadstead.pds.xrpc.exports import Exports
from roadstead.pds.xrpc.parts import Parts
from roadstead.pds.xrpc.routes import routes
from roadstead.registry.app import Address
from roadstead.registry.observer import RecordObserver


def pds_routes(
    services: Services, resolver: Resolver, keys: SigningKeys, login: Login, address: Address
) -> list[BaseRoute]:
    """What the PDS answers."""
    settings, database = services.settings, services.database
    service_did = hold_identity(settings).did
    sessions = Sessions(database, keys, login, service_did=service_did)
    parts = Parts(
        database=database,
        memory=services.memory,
        uploads=services.uploads,
        store=services.store,
        resolver=resolver,
        sessions=sessions,
        observer=RecordObserver(services.stores["public"]),
        exports=Exports(database, services.folder.path),
        service_did=service_did,
        base_url=lambda request: address.base_url(request.scope),
        address=lambda request: _client(request.scope["roadstead.client"]),
    )
    return routes(parts)


def _client(client: Client) -> str:
    return client.limited_as
