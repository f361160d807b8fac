"""`roadstead serve`: the process that supervises the workers.

It holds the data folder, brings the schema up to date, makes the first account, and then only watches. Workers are
forked from it with everything imported, so that what they share is in memory once.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import socket
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from roadstead.app import metrics
from roadstead.app.data_folder import DataFolder
from roadstead.app.first_start import first_start
from roadstead.app.scheduler import Scheduler, environment_of, jobs_of
from roadstead.app.services import host_of, open_services
from roadstead.app.settings import Settings, split_listen
from roadstead.app.supervised import stop_once
from roadstead.app.tls import pkcs8_key
from roadstead.app.worker import HANDED_DOWN, METRICS, setup_logging
from roadstead.content.memory import reuse_buffers
from roadstead.core.errors import DataInUse, Failure
from roadstead.index import accounts

log = structlog.get_logger()

MOST_WORKERS = 4

RECEIVED_BYTES: Final = 1024 * 1024
"""How much of a body is received at once: what the content store writes and hashes at once."""


def serve(settings: Settings) -> None:
    """Serves until a signal says to stop.

    Raises:
        DataInUse: another server has the data folder, or the port.
        DataTooNew: a newer version has written the data folder.
    """
    reuse_buffers()
    setup_logging(settings)
    folder = DataFolder(settings.path)
    with folder.served():
        check_free(settings.listen)
        with open_services(settings) as services:
            _warn_of_other_host(settings, services.database.read_now(accounts.host))
            first_start(services)
        os.environ[HANDED_DOWN] = msgspec.json.encode(settings).decode()
        metrics.clear(folder.path / METRICS)
        scheduler = Scheduler(jobs_of(settings), environment_of(settings, os.environ))
        with contextlib.ExitStack() as stack:
            server = _granian(settings, _tls(settings, stack))
            # Its thread is there when workers are forked; it waits then, and holds no lock that they would inherit.
            server.on_startup(scheduler.start)
            server.on_shutdown(scheduler.stop)
            # What is there by now stays: the collector would otherwise write to every page that the workers share.
            gc.collect()
            gc.freeze()
            server.serve()


def check_free(listen: str) -> None:
    """Whether nobody listens there: the workers share their port (SO_REUSEPORT), and would with a stranger.

    Raises:
        DataInUse: somebody listens, or the address is not of this machine.
    """
    host, port = split_listen(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Failure(f"cannot listen on {listen}: {error.strerror}", remedy="see --listen") from error
            raise DataInUse(
                f"the address {listen} is in use", remedy="stop who listens there, or choose another with --listen"
            ) from error


def worker_count(settings: Settings) -> int:
    """How many workers serve."""
    return settings.workers or min(MOST_WORKERS, os.cpu_count() or 1)


def _granian(settings: Settings, tls: dict[str, Any]) -> Any:
    from granian import Granian
    from granian.constants import Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    host, port = split_listen(settings.listen)
    stop_once()
    return Granian(
        "roadstead.app.worker:build",
        factory=True,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        address=host,
        port=port,
        workers=worker_count(settings),
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, int(settings.shutdown_grace_s)),
        http1_settings=HTTP1Settings(max_buffer_size=RECEIVED_BYTES),
        log_level=LogLevels.warning,
        **tls,
    )


def _tls(settings: Settings, stack: contextlib.ExitStack) -> dict[str, Any]:
    if not settings.tls_cert:
        return {}
    key = stack.enter_context(pkcs8_key(Path(settings.tls_key)))
    return {"ssl_cert": Path(settings.tls_cert), "ssl_key": key}


def _warn_of_other_host(settings: Settings, host: str) -> None:
    if settings.public_url and host_of(settings) != host:
        log.warning(
            "accounts are under another host than public_url says",
            accounts_host=host,
            public_url=settings.public_url,
            remedy=f"run: roadstead rehost {settings.public_url}",
        )
