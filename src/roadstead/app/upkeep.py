"""The jobs of an operator, built on the services of one data folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from roadstead.app.services import HOUR_MS, Services, grace_ms
from roadstead.app.settings import Settings
from roadstead.core.access.account import Account
from roadstead.core.errors import InvalidName, UnknownName, Unsupported
from roadstead.core.oci.reference import RepositoryName
from roadstead.index import accounts, jobs, names
from roadstead.index.clock import now_ms
from roadstead.pds import integrity
from roadstead.registry.adopt import Adoption
from roadstead.registry.expiry import Expiry
from roadstead.registry.reindex import Reindex
from roadstead.upkeep import collect, scrub
from roadstead.upkeep.collect import Collector, Terms
from roadstead.upkeep.lease import Lease, hold
from roadstead.upkeep.scrub import Scrubber

DAY_MS: Final = 24 * HOUR_MS

COLLECTING: Final = "gc"
"""The lease of what removes content, and of what must not see content removed."""

SCRUBBING: Final = "verify"

RECENT: Final = 0.5
"""A job that ended less than this part of its interval ago is not due, whoever asks: another replica did it."""


def terms(settings: Settings) -> Terms:
    """What the settings say about keeping things."""
    return Terms(
        grace_ms=grace_ms(settings),
        untagged_ms=settings.untagged_days * DAY_MS if settings.untagged_days else None,
        backlog_ms=int(settings.backlog_hours * HOUR_MS),
        upload_ms=int(settings.upload_expiry_hours * HOUR_MS),
    )


def collector(services: Services) -> Collector:
    """Garbage collection."""
    expiry = Expiry(services.database, services.stores)
    return Collector(
        services.database, services.store, services.uploads, expiry, terms(services.settings), clock_ms=now_ms
    )


def scrubber(services: Services) -> Scrubber:
    """Reading back."""
    return Scrubber(services.database, services.store, integrity.faults, clock_ms=now_ms)


def adoption(services: Services) -> Adoption:
    """Adopting folders of distribution. What is adopted counts as no push."""
    push = services.pushing()
    storage = services.settings.storage_path
    return Adoption(services.database, services.store, storage, push, services.limits, clock_ms=now_ms)


def account(services: Services, name: str) -> Account:
    """The account with this name, handle or DID.

    Raises:
        UnknownName: there is none.
    """
    return services.database.read_now(lambda connection: accounts.find(connection, name, now_ms()))


def sqlite_file(services: Services) -> Path:
    """The file of the database.

    Raises:
        Unsupported: it is in PostgreSQL, which has backups of its own.
    """
    if not services.database.is_sqlite:
        raise Unsupported(
            "the database is in PostgreSQL, which roadstead backup does not read",
            remedy="run pg_dump first, then copy the folder docker/ of the data folder; see docs/operations.md",
        )
    return Path(str(services.database.engine.url.database))


def reindex(services: Services) -> Reindex:
    """Rebuilding the index."""
    return Reindex(services.database, services.store, services.stores)


@contextlib.contextmanager
def leased(services: Services, name: str) -> Iterator[Lease]:
    """Holds a job's lease until the end of the block.

    Raises:
        Conflict: another process has it.
    """
    with hold(services.database, services.folder.path, name, now_ms) as lease:
        yield lease


def is_due(services: Services, job: str) -> bool:
    """Whether a scheduled job has to be done now: it was not, a while ago, by another replica or before a restart."""
    hours = {collect.JOB: services.settings.gc_interval_hours, scrub.JOB: services.settings.scrub_interval_hours}[job]
    ended_ms = services.database.read_now(lambda connection: jobs.last(connection, job)).get("ended_ms", 0)
    return now_ms() - int(ended_ms) >= hours * HOUR_MS * RECENT


def repository_id(services: Services, name: str) -> int:
    """The repository with this name, `account/path`.

    Raises:
        UnknownName: there is none.
    """
    try:
        parsed = RepositoryName.parse(name)
    except InvalidName as error:
        raise UnknownName(f"there is no repository {name!r}: {error.message}") from error
    found = services.database.read_now(lambda connection: names.repository_id(connection, parsed.owner, parsed.path))
    if found is None:
        raise UnknownName(f"there is no repository {name}", remedy="name it as account/repository")
    return found
