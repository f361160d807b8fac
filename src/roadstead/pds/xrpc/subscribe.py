"""`com.atproto.sync.subscribeRepos`: the firehose (AT Protocol event stream specification).

Every worker reads the one stream that is in SQL, so that it is the same for all subscribers however many workers there
are. A new event is noticed by the generation number of `FIREHOSE`, which every process of this machine advances, and
by asking once a second, for what other replicas write.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Never, TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect

from roadstead.core.errors import RoadsteadError
from roadstead.core.firehose import error_frame, info_frame
from roadstead.index.database import Database
from roadstead.index.generation import FIREHOSE, MAX_AGE_S
from roadstead.pds import events
from roadstead.pds.events import NumberedEvent

T = TypeVar("T")

BATCH: Final = 16
"""Events read at once: of up to 2 MB each, though hardly any has more than 10 KB."""

GLANCE_S: Final = 0.05
"""Between two looks at the generation number, which costs no system call."""

MAX_SUBSCRIBERS: Final = 100
"""Of one process."""

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


class Firehose:
    """Serves the subscribers of one process.

    Args:
        most: subscribers at once.
        slow_s: for how long one may not take a frame.
    """

    def __init__(self, database: Database, *, most: int = MAX_SUBSCRIBERS, slow_s: float = SLOW_S) -> None:
        self._database = database
        self._most = most
        self._slow_s = slow_s
        self._subscribers = 0

    async def subscribe(self, websocket: WebSocket) -> None:
        """Sends the stream from the cursor on, until either side ends."""
        if self._subscribers >= self._most:
            await websocket.close(_TRY_AGAIN_LATER)
            return
        await websocket.accept()
        self._subscribers += 1
        sending = asyncio.ensure_future(self._send(websocket))
        listening = asyncio.ensure_future(_until_gone(websocket))
        try:
            await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._subscribers -= 1
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
            seen = self._database.generation.of(FIREHOSE)
            following = await self._following(cursor)
            for numbered in following:
                await self._take(websocket, numbered.event.frame(numbered.seq))
                cursor = numbered.seq
            if not following:
                await self._news(seen)

    async def _following(self, cursor: int) -> list[NumberedEvent]:
        return list(await self._database.read(lambda connection: events.after(connection, cursor, BATCH)))

    async def _news(self, seen: int) -> None:
        """Returns when there may be something new."""
        until = asyncio.get_running_loop().time() + MAX_AGE_S
        clock = asyncio.get_running_loop().time
        # Other processes cannot set an event in this one.
        while self._database.generation.of(FIREHOSE) == seen and clock() < until:  # noqa: ASYNC110
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
