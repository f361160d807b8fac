"""A body on its way into a session: the next batch comes in while a thread writes and hashes the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, ParamSpec, TypeVar

from roadstead.content.session import Session

P = ParamSpec("P")
T = TypeVar("T")

BATCH_BYTES: Final = 1024 * 1024
"""How much is handed to the thread at a time. Measured: 4 MiB is slower, as it leaves the processor's caches."""


class Threads:
    """The threads in which sessions' calls block."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `call` returns. A task that is cancelled waits for it first, as it cannot be stopped."""
        return await settled(self.start(call, *args, **kwargs))

    def start(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Begins a call that `settled` then waits for."""
        return asyncio.get_running_loop().run_in_executor(self._executor, lambda: call(*args, **kwargs))


async def settled(future: asyncio.Future[T]) -> T:
    """The future's result. If this task is cancelled meanwhile, it still waits, and is cancelled then."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue  # once is enough: the first one is raised below
        if not future.cancelled():
            future.exception()  # seen; the cancellation is what the task hears of
        raise


class Intake:
    """One request's body. At most one batch is being written and one being gathered."""

    def __init__(self, session: Session, threads: Threads) -> None:
        self.received_bytes = 0
        self._session = session
        self._threads = threads
        self._pieces: list[bytes] = []
        self._size = 0
        self._writing: asyncio.Future[None] | None = None

    async def add(self, piece: bytes) -> None:
        """Takes the next piece, and waits while two batches are full.

        Raises:
            StorageFull, Unavailable: an earlier batch could not be written.
        """
        if not piece:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        self.received_bytes += len(piece)
        if self._size >= BATCH_BYTES:
            await self._written()
            self._writing = self._threads.start(self._session.append, self._taken())

    async def finish(self) -> None:
        """Writes the rest and saves where the session is; also after a failure, with what came in before it.

        Raises:
            StorageFull, Unavailable: a batch could not be written.
        """
        try:
            await self._written()
        finally:
            await self._threads.run(self._session.conclude, self._taken())

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await settled(writing)

    def _taken(self) -> list[bytes]:
        pieces, self._pieces, self._size = self._pieces, [], 0
        return pieces
