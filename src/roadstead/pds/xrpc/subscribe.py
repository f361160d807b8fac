"""`com.atproto.sync.subscribeRepos`: the firehose (AT Protocol event stream specification).

Every worker reads the one stream that is in SQL, so that it is the same for all subscribers however many workers there
are. A new event is noticed by the generation number of `FIREHOSE`, which every process of this machine advances, and
by asking once a second, for what other replicas write.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Never, TypeVar

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from roadstead.core.atproto.firehose import error_frame, info_frame
from roadstead.core.errors import RoadsteadError
from roadstead.index.database import Database
from roadstead.index.generation import FIREHOSE, MAX_AGE_S
from roadstead.pds import events
from roadstead.pds.events import NumberedEvent
from roadstead.pds.xrpc.slots import Slots

T = TypeVar("T")

BATCH: Final = 16
"""Events read at once, though hardly any has more than 10 KB."""

BATCH_BYTES: Final = 256 * 1024
"""Of them: one alone may have 2 MB, and every subscriber may be slow to take what was read for it."""

GLANCE_S: Final = 0.05
"""Between two looks at the generation number, which costs no system call."""

MAX_SUBSCRIBERS: Final = 100
"""Of one process."""

MAX_OF_ONE: Final = 10
"""Of them, those of one client address: a reader of the network needs one."""

SLOW_S: Final = 30.0
"""A subscriber that does not take a frame for so long is let go; it can come back with its cursor."""

_TRY_AGAIN_LATER: Final = 1013
_POLICY_VIOLATION: Final = 1008


class Refused(Exception):
    """The stream ends with an error frame."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


@dataclass(frozen=True, slots=True)
class _Reading:
    """A look at the stream: at which generation, and until when on the loop's clock it is to be believed."""

    generation: int
    until_s: float


class Firehose:
    """Serves the subscribers of one process.

    Args:
        address: what a client is limited as.
        most: subscribers at once.
        most_of_one: of them, of one client.
        slow_s: for how long one may not take a frame.
    """

    def __init__(
        self,
        database: Database,
        address: Callable[[HTTPConnection], str],
        *,
        most: int = MAX_SUBSCRIBERS,
        most_of_one: int = MAX_OF_ONE,
        slow_s: float = SLOW_S,
    ) -> None:
        self._database = database
        self._address = address
        self._slots = Slots(most, most_of_one)
        self._slow_s = slow_s

    async def subscribe(self, websocket: WebSocket) -> None:
        """Sends the stream from the cursor on, until either side ends."""
        whom = self._address(websocket)
        if not self._slots.take(whom):
            await websocket.close(_TRY_AGAIN_LATER)
            return
        try:
            await websocket.accept()
            await self._serve(websocket)
        finally:
            self._slots.give_back(whom)

    async def _serve(self, websocket: WebSocket) -> None:
        sending = asyncio.ensure_future(self._send(websocket))
        listening = asyncio.ensure_future(_until_gone(websocket))
        try:
            await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Granian sends no close as long as somebody waits to receive.
            await _ended(listening)
            refused = await _ended(sending)
        if refused is not None:
            await self._refuse(websocket, refused)

    async def _send(self, websocket: WebSocket) -> Refused | None:
        """Sends until the subscriber is gone; or why it gets no more."""
        try:
            await self._stream(websocket, await self._start(websocket))
        except Refused as refused:
            return refused
        except RoadsteadError as error:
            return Refused("InternalServerError", str(error))

    async def _start(self, websocket: WebSocket) -> int:
        """The number of the event to go on after."""
        text = websocket.query_params.get("cursor")
        first, last = await self._database.read(events.span)
        if not text:
            return last
        if not text.isdecimal() or not text.isascii() or len(text) > 18:
            raise Refused("InvalidRequest", "the cursor has to be a number")
        cursor = int(text)
        if cursor > last:
            raise Refused("FutureCursor", f"the cursor {cursor} is ahead of this stream, which is at {last}")
        if cursor < first - 1:
            await self._take(websocket, info_frame("OutdatedCursor", f"the events before {first} are no longer kept"))
        return cursor

    async def _stream(self, websocket: WebSocket, cursor: int) -> Never:
        while True:
            read = self._reading()
            following = await self._following(cursor)
            for numbered in following:
                await self._take(websocket, numbered.event.frame(numbered.seq))
                cursor = numbered.seq
                # While a slow subscriber took that one, what was read may have been withdrawn: a repository was hidden.
                if not self._is_fresh(read):
                    break
            if not following:
                await self._news(read)

    async def _following(self, cursor: int) -> list[NumberedEvent]:
        return list(await self._database.read(lambda c: events.after(c, cursor, BATCH, BATCH_BYTES)))

    def _reading(self) -> _Reading:
        return _Reading(self._database.generation.of(FIREHOSE), asyncio.get_running_loop().time() + MAX_AGE_S)

    def _is_fresh(self, read: _Reading) -> bool:
        """Whether what was read is still to be believed; a replica elsewhere does not advance the generation here."""
        return self._database.generation.of(FIREHOSE) == read.generation and (
            asyncio.get_running_loop().time() < read.until_s
        )

    async def _news(self, read: _Reading) -> None:
        """Returns when there may be something new."""
        # Other processes cannot set an event in this one.
        while self._is_fresh(read):  # noqa: ASYNC110
            await asyncio.sleep(GLANCE_S)

    async def _refuse(self, websocket: WebSocket, refused: Refused) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(self._slow_s):
                await websocket.send_bytes(error_frame(refused.name, refused.message))
                await websocket.close(_POLICY_VIOLATION)

    async def _take(self, websocket: WebSocket, frame: bytes) -> None:
        try:
            async with asyncio.timeout(self._slow_s):
                await websocket.send_bytes(frame)
        except TimeoutError:
            raise Refused("ConsumerTooSlow", f"no frame was taken for {self._slow_s:.0f} s") from None


async def _ended(task: asyncio.Future[T]) -> T | None:
    """What a task gave; nothing where it had to be cancelled, or failed because the subscriber is gone."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
        return await task
    return None


async def _until_gone(websocket: WebSocket) -> None:
    """Returns when the subscriber is gone; what it sends means nothing."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
