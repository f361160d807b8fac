"""`com.atproto.sync.subscribeRepos` towards subscribers that a real client cannot be: stuck, gone, too many."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from roadstead.core.firehose import Frame
from roadstead.index.tables import pds_events
from roadstead.pds.xrpc.subscribe import Firehose
from tests.unit.pds.conftest import World


class Socket:
    """One connection as an ASGI server sees it.

    Args:
        stuck_at: the frame, counted from 0, that the subscriber never takes.
    """

    def __init__(self, firehose: Firehose, query: str = "cursor=0", stuck_at: int = -1) -> None:
        self._app = Starlette(routes=[WebSocketRoute("/", firehose.subscribe)])
        self._scope: dict[str, Any] = {
            "type": "websocket",
            "path": "/",
            "query_string": query.encode(),
            "headers": [],
            "subprotocols": [],
        }
        self._stuck_at = stuck_at
        self._frames_tried = -1
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.frames: list[Frame] = []
        self.closed_with: int | None = None
        self.got_frame = asyncio.Event()

    async def run(self) -> None:
        await self._app(self._scope, self._incoming.get, self._send)

    def hang_up(self) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            self._frames_tried += 1
            if self._frames_tried == self._stuck_at:
                await asyncio.Event().wait()
            self.frames.append(Frame.decode(message["bytes"]))
            self.got_frame.set()
        elif message["type"] == "websocket.close":
            self.closed_with = message["code"]


def kinds(socket: Socket) -> list[str]:
    return [frame.kind or str(frame.payload["error"]) for frame in socket.frames]


def test_who_takes_nothing_is_let_go(world: World) -> None:
    world.account("alice")

    async def work() -> Socket:
        socket = Socket(Firehose(world.database, slow_s=0.2), stuck_at=1)
        await socket.run()
        return socket

    socket = asyncio.run(work())
    assert kinds(socket) == ["#identity", "ConsumerTooSlow"]
    assert socket.closed_with == 1008


def test_who_is_gone_ends_the_stream(world: World) -> None:
    world.account("alice")

    async def work() -> Socket:
        socket = Socket(Firehose(world.database))
        running = asyncio.ensure_future(socket.run())
        while len(socket.frames) < 3:
            await socket.got_frame.wait()
            socket.got_frame.clear()
        socket.hang_up()
        await running
        return socket

    assert kinds(asyncio.run(work())) == ["#identity", "#account", "#commit"]


def test_one_too_many_may_try_again_later(world: World) -> None:
    async def work() -> tuple[Socket, Socket, Socket]:
        firehose = Firehose(world.database, most=1)
        first, second, third = Socket(firehose, "cursor=0"), Socket(firehose), Socket(firehose)
        await asyncio.to_thread(world.account, "alice")
        running = asyncio.ensure_future(first.run())
        await first.got_frame.wait()
        await second.run()
        first.hang_up()
        await running
        serving = asyncio.ensure_future(third.run())
        await third.got_frame.wait()
        third.hang_up()
        await serving
        return first, second, third

    first, second, third = asyncio.run(work())
    assert (first.closed_with, second.closed_with, third.closed_with) == (None, 1013, None)
    assert second.frames == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cursor=4", ["FutureCursor"]),
        ("cursor=-1", ["InvalidRequest"]),
        ("cursor=x", ["InvalidRequest"]),
        ("cursor=" + "9" * 30, ["InvalidRequest"]),
        ("cursor=%C2%B2", ["InvalidRequest"]),
    ],
)
def test_a_cursor_of_nowhere_is_refused(world: World, query: str, expected: list[str]) -> None:
    world.account("alice")

    async def work() -> Socket:
        socket = Socket(Firehose(world.database), query)
        await socket.run()
        return socket

    socket = asyncio.run(work())
    assert kinds(socket) == expected
    assert socket.closed_with == 1008


def test_a_cursor_of_long_ago_is_told_so_and_goes_on(world: World) -> None:
    world.account("alice")
    world.database.write_now(lambda c: c.execute(pds_events.delete().where(pds_events.c.seq < 3)) and None)

    async def work() -> Socket:
        socket = Socket(Firehose(world.database), "cursor=1")
        running = asyncio.ensure_future(socket.run())
        while len(socket.frames) < 2:
            await socket.got_frame.wait()
            socket.got_frame.clear()
        socket.hang_up()
        await running
        return socket

    socket = asyncio.run(work())
    assert kinds(socket) == ["#info", "#commit"]
    assert socket.frames[0].payload["name"] == "OutdatedCursor"
