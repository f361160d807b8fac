"""Transactions: pieces of work that run in threads of this process, each with one connection.

A piece of work is a plain function of a `Connection`. `read` runs it beside others. `write` hands it to the one
writer thread of the process, which commits works that come together as one commit: a work that fails is rolled
back to its savepoint alone, and none is answered before the commit is on disk.

SQLAlchemy is used synchronously, as decided in docs/decisions/002-transactions-are-functions.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from roadstead.core.errors import Conflict, Failure, RoadsteadError, StorageFull, Unavailable
from roadstead.index.generation import Generation

T = TypeVar("T")

READERS: Final = 4
"""Threads (and connections) for reads of one process. More gain nothing on a local SQLite."""

TOGETHER: Final = 64
"""Works that may share a commit at most, so that the first of them does not wait for long."""

BUSY_TIMEOUT_S: Final = 30.0

PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    # Pages that one push after another changes are copied into the database once in 16 MiB, not once in 4.
    "wal_autocheckpoint=4000",
)

PASSING: Final = frozenset({"40P01", "40001"})
"""PostgreSQL's states of a deadlock and of a serialization failure: the loser of the two simply runs again."""

ATTEMPTS: Final = 5
"""How often a work is run that PostgreSQL ends for the sake of another."""


class Database:
    """One database, for one process. Close it when done.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://…`.
        folder: where the generation numbers and the writers' lock lie, shared by the processes of this machine.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.generation = Generation(folder / "generation")
        self._lock = (folder / "index.lock").open("ab") if self.is_sqlite else None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._queue: queue.SimpleQueue[_Work[Any] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self._is_closed = False

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, run in a reader thread.

        Raises:
            Unavailable: the database does not answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    async def write(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """What `work` returns, once its changes are on disk. Its changes are all made, or none.

        Args:
            durable: false for what a crash of the machine may take back, with nothing that was written after it:
                an upload session that has just begun, counts. It is committed all the same, and waits for no disk.

        Raises:
            Unavailable: the database does not answer.
            StorageFull: its disk is full.
        """
        return await asyncio.wrap_future(self._submit(work, durable=durable))

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """`read` for a thread that may block: a command, a job."""
        with translated(), self.engine.connect() as connection:
            # One snapshot for all statements of the work: an export asks for head, tree and records one by one.
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
            return work(connection)

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """`write` for a thread that may block: a command, a job."""
        return self._submit(work).result()

    def close(self) -> None:
        """Finishes the writes that were handed over, and lets go of every connection."""
        self._is_closed = True
        if self._writer is not None:
            self._queue.put(None)
            self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()
        self.generation.close()
        if self._lock is not None:
            self._lock.close()

    def _submit(self, work: Callable[[Connection], T], *, durable: bool = True) -> Future[T]:
        if self._is_closed:
            raise Unavailable("the database is closed: this process ends")
        self._start()
        entry = _Work(work, durable=durable)
        self._queue.put(entry)
        return entry.future

    def _start(self) -> None:
        """Starts the writer thread at the first write, so that a process that was forked has its own."""
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_on, name="write", daemon=True)
                self._writer.start()

    def _write_on(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            stop = False
            # On PostgreSQL each commits by itself: a batch would hold the rows of all its works, in whatever order they
            # came, and batches of two replicas that push the same layers would wait for each other's for ever.
            while self.is_sqlite and len(batch) < TOGETHER and not self._queue.empty():
                entry = self._queue.get()
                if entry is None:
                    stop = True
                    break
                batch.append(entry)
            self._commit(batch)
            if stop:
                return

    def _commit(self, batch: list[_Work[Any]]) -> None:
        """Runs the works of `batch` in one transaction, and answers them after its commit."""
        try:
            with translated(), self._exclusively():
                self._run(batch)
        except BaseException as error:  # noqa: BLE001 - every caller is told; the thread lives on
            for entry in batch:
                entry.fail(error)
            return
        touched = {key for entry in batch for key in entry.touched}
        self.generation.advance(touched)
        for entry in batch:
            entry.answer()

    def _run(self, batch: list[_Work[Any]]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                with self.engine.connect() as connection:
                    self._begin(connection, durable=any(entry.durable for entry in batch))
                    for entry in batch:
                        entry.run(connection, alone=len(batch) == 1)
                    connection.commit()
                return
            except sa.exc.DBAPIError as error:
                if attempt == ATTEMPTS - 1 or getattr(error.orig, "sqlstate", "") not in PASSING:
                    raise

    def _begin(self, connection: Connection, *, durable: bool) -> None:
        if self.is_sqlite:
            # In WAL mode NORMAL does not wait for the disk; the next FULL commit brings all before it there.
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif not durable:
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")

    @contextlib.contextmanager
    def _exclusively(self) -> Iterator[None]:
        """The writers' turn among the processes of this machine.

        SQLite's own busy handler polls with growing pauses; a file lock wakes the next writer at once.
        """
        if self._lock is None:
            yield
            return
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)


class _Work(Generic[T]):
    """One piece of work on its way through the writer thread."""

    def __init__(self, work: Callable[[Connection], T], *, durable: bool) -> None:
        self.durable = durable
        self.future: Future[T] = Future()
        self.touched: set[int] = set()
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self, connection: Connection, *, alone: bool) -> None:
        """Runs the work inside the batch's transaction; a failure undoes this work only."""
        connection.info[_TOUCHED] = self.touched
        if alone:
            # A single work needs no savepoint: its failure rolls back the whole transaction.
            self._result = self._work(connection)
            return
        savepoint = connection.begin_nested()
        try:
            self._result = self._work(connection)
            savepoint.commit()
        except Exception as error:  # noqa: BLE001 - handed to the caller of this work
            savepoint.rollback()
            self.touched.clear()
            self._error = error

    def answer(self) -> None:
        """Tells the caller, after the commit."""
        if self._error is not None:
            self.fail(self._error)
        elif not self.future.cancelled():
            with contextlib.suppress(InvalidStateError):
                self.future.set_result(self._result)  # type: ignore[arg-type]  # run() has set it

    def fail(self, error: BaseException) -> None:
        """Tells the caller that nothing was changed."""
        with contextlib.suppress(InvalidStateError):
            self.future.set_exception(_translation(error))


_TOUCHED: Final = "roadstead.touched"


def touch(connection: Connection, repository_id: int) -> None:
    """Says, within a write, that what caches know of this repository is old once the write is committed."""
    touched = connection.info.get(_TOUCHED)
    if touched is not None:
        touched.add(repository_id)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        # Without the option, SQLAlchemy does not know how many rows an INSERT … ON CONFLICT has written.
        counting = {"preserve_rowcount": True}
        return sa.create_engine(url, pool_size=READERS + 1, pool_pre_ping=True, execution_options=counting)
    engine = sa.create_engine(
        url,
        pool_size=READERS + 1,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns a database's errors in the work inside into ours.

    Raises:
        StorageFull: its disk is full.
        Conflict: a row that is needed was removed meanwhile, or one is there already.
        Unavailable, Failure: it does not answer, or refuses.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        translated = _translation(error)
        if translated is error:
            raise
        raise translated from error


def _translation(error: BaseException) -> BaseException:
    """The error of ours that says what a database's error means; any other error as it is."""
    if not isinstance(error, sa.exc.DBAPIError):
        return error
    text = str(error.orig)
    translated: RoadsteadError
    if isinstance(error, sa.exc.IntegrityError):
        translated = Conflict("what this was about was removed, or added, meanwhile", remedy="try again")
    elif "disk is full" in text or "No space left" in text:
        translated = StorageFull("the disk under the database is full", remedy="free some space, then try again")
    elif isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        translated = Unavailable(f"the database does not answer: {text.splitlines()[0]}")
    else:
        translated = Failure(f"the database refused a statement: {text.splitlines()[0]}")
    translated.__cause__ = error
    return translated
