"""The data folder: what lies where, and who may serve from it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from roadstead.core.errors import DataInUse, Failure


class DataFolder:
    """One data folder.

        roadstead.db      the SQLite database, unless settings name another
        docker/           blobs, in the layout of distribution's file system driver
        uploads/          open upload sessions
        quarantine/       blobs that were found damaged
        generation, limits, index.lock
                          shared memory and locks of this machine's processes; they can be lost
        serve.lock        held while a server runs
        first-login       what the first start had to say when no terminal was there to say it on

    Args:
        path: made when it is missing, for the owner's eyes only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Failure(
                f"the data folder {self.path} cannot be made: {error.strerror}", remedy="choose another with --data"
            ) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise Failure(
                f"the data folder {self.path} cannot be written",
                remedy="give it to the user that roadstead runs as, or choose another with --data",
            )

    def database_url(self, configured: str) -> str:
        """The URL of the database in SQLAlchemy's form."""
        if not configured:
            return f"sqlite:///{self.path / 'roadstead.db'}"
        scheme, separator, rest = configured.partition("://")
        if scheme in ("postgres", "postgresql"):
            return f"postgresql+psycopg{separator}{rest}"
        return configured

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Holds the folder for one server, until the end of the block.

        Raises:
            DataInUse: another server holds it.
        """
        with (self.path / "serve.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip()
                raise DataInUse(
                    f"the data folder {self.path} is served already" + (f", by process {holder}" if holder else ""),
                    remedy="stop that server, or choose another folder with --data",
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield
