"""Publishing, hiding and rehosting, built on the services of one data folder."""

from __future__ import annotations

import msgspec

from roadstead.app.services import Services, hold_identity, host_of
from roadstead.core.access.account import Account
from roadstead.core.errors import InvalidSetting
from roadstead.index import accounts
from roadstead.index.clock import now_ms
from roadstead.pds.record_store import PdsRecordStore
from roadstead.pds.rehost import Place
from roadstead.pds.rehost import rehost as rehosted
from roadstead.registry.private_records import PrivateRecordStore
from roadstead.registry.visibility import Visibilities


def visibilities(services: Services) -> Visibilities:
    """What publishes and hides repositories."""
    return Visibilities(PdsRecordStore(services.database, services.memory), PrivateRecordStore(services.database))


def rehost(services: Services, url: str) -> list[Account]:
    """Gives this server the host of `url`; gives its accounts as they are then.

    Raises:
        InvalidSetting: no URL of a host that accounts can be under.
        Conflict: it has that host.
    """
    settings = msgspec.structs.replace(services.settings, public_url=url.rstrip("/"))
    host = host_of(settings)
    if host == accounts.HOME or not url.startswith(("http://", "https://")):
        raise InvalidSetting(
            f"{url!r} names no host for accounts", remedy="expected a URL such as https://registry.example.com"
        )
    hold, former_hold = hold_identity(settings), hold_identity(services.settings)
    place = Place(host, hold.endpoint, hold.did)
    private = PrivateRecordStore(services.database)
    return services.database.write_now(
        lambda connection: rehosted(
            connection,
            Place(accounts.host(connection), former_hold.endpoint, former_hold.did),
            place,
            private=private,
            memory=services.memory,
            now_ms=now_ms(),
        )
    )
