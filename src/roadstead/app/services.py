"""Everything that stands on one data folder, built and wired: for a command, and for a worker of the server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection

from roadstead.app.data_folder import DataFolder
from roadstead.app.settings import Settings, reached_at
from roadstead.content.disk import DiskStore
from roadstead.content.uploads import Uploads
from roadstead.core.errors import InvalidSetting
from roadstead.index import accounts, schema
from roadstead.index.clock import now_ms
from roadstead.index.database import Database
from roadstead.index.dialects import insert
from roadstead.index.tables import meta
from roadstead.pds import repositories as pds_repositories
from roadstead.pds.memory import Memory
from roadstead.pds.record_store import PdsRecordStore
from roadstead.registry.changes import HoldIdentity
from roadstead.registry.ports import RecordStore
from roadstead.registry.private_records import PrivateRecordStore
from roadstead.registry.promises import Terms
from roadstead.registry.pushing import Pushing
from roadstead.registry.target import PushLimits

if TYPE_CHECKING:
    from roadstead.auth.accounts import Accounts, Founder


HOUR_MS: Final = 3600 * 1000


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that commands and workers share.

    Args:
        founder: makes the AT Protocol repository of a new account, within the transaction that makes the account.
        stores: the record store of each visibility.
    """

    settings: Settings
    folder: DataFolder
    database: Database
    store: DiskStore
    uploads: Uploads
    memory: Memory
    founder: Founder
    stores: dict[str, RecordStore]
    limits: PushLimits

    def accounts(self) -> Accounts:
        """Accounts, each with its AT Protocol repository, for a thread that may block."""
        from roadstead.auth.accounts import Accounts

        def dissolver(connection: Connection, account_id: int, did: str) -> None:
            pds_repositories.dissolve(connection, account_id, did, now_ms=now_ms())

        return Accounts(self.database, self.founder, dissolver)

    def pushing(self) -> Pushing:
        """What puts and removes manifests."""
        return Pushing(
            self.store,
            self.stores,
            partial(hold_identity, self.settings),
            untagged_claim_ms=promise_terms(self.settings).untagged_claim_ms,
        )


@contextlib.contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Opens the data folder, beside a running server or without one, until the end of the block.

    Raises:
        DataTooNew: a newer version has written it.
        Unavailable: the database does not answer.
    """
    folder = DataFolder(settings.path)
    database = Database(folder.database_url(settings.database_url), folder.path)
    try:
        schema.ensure(database.engine)
        _name_host(database, settings)
        services = wire(settings, folder, database)
        try:
            yield services
        finally:
            services.uploads.close()
    finally:
        database.close()


def wire(settings: Settings, folder: DataFolder, database: Database) -> Services:
    """The parts on an open database whose schema is in order."""
    storage = DataFolder(settings.storage_path).path
    store = DiskStore(storage)
    memory = Memory()

    def founder(connection: Connection, account_id: int, did: str, handle: str) -> None:
        pds_repositories.found(connection, account_id, did, handle, now_ms=now_ms(), memory=memory)

    return Services(
        settings=settings,
        folder=folder,
        database=database,
        store=store,
        uploads=Uploads(storage / "uploads", store, shared=not database.is_sqlite),
        memory=memory,
        founder=founder,
        stores={"public": PdsRecordStore(database, memory), "private": PrivateRecordStore(database)},
        limits=PushLimits(settings.default_visibility, settings.uploads_per_account, settings.manifest_limit_bytes),
    )


def grace_ms(settings: Settings) -> int:
    """For how long content that nothing needs is kept."""
    return int(settings.gc_grace_hours * HOUR_MS)


def promise_terms(settings: Settings) -> Terms:
    """For how long what a push was told to be here is kept."""
    return Terms(grace_ms(settings), untagged=settings.untagged_days > 0)


def host_of(settings: Settings) -> str:
    """The host name that the settings give this server; its accounts are NAME.localhost where they give none."""
    if not settings.public_url:
        return accounts.HOME
    host = urlsplit(settings.public_url).hostname
    if host is None:
        raise InvalidSetting(f"public_url {settings.public_url!r} names no host")
    return accounts.HOME if _is_address(host) else host


def _is_address(host: str) -> bool:
    """An IP address can be no part of a handle or a did:web; a server that has no other name is at home."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def service_of(settings: Settings) -> str:
    """The name of this server in challenges and tokens."""
    return urlsplit(settings.public_url).netloc if settings.public_url else accounts.HOME


def hold_identity(settings: Settings) -> HoldIdentity:
    """Where records say that blobs are: this server."""
    scheme = "https" if settings.tls_cert else "http"
    base_url = settings.public_url.rstrip("/") or f"{scheme}://{reached_at(settings.listen)}"
    return HoldIdentity(did=f"did:web:{service_of(settings).replace(':', '%3A')}", endpoint=base_url)


def _name_host(database: Database, settings: Settings) -> None:
    """The first start says what host accounts are under; later ones need `roadstead rehost`."""
    if database.read_now(accounts.named_host) is None:
        row = {"key": "host", "value": host_of(settings)}
        database.write_now(lambda c: c.execute(insert(c, meta).values(row).on_conflict_do_nothing()) and None)
