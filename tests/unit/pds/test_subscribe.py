"""`com.atproto.sync.subscribeRepos` towards subscribers that a real client cannot be: stuck, gone, too many."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.engine import Connection
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute

from roadstead.core.atproto.firehose import Event, Frame
from roadstead.core.atproto.nsid import Nsid
from roadstead.core.atproto.recordkey import RecordKey
from roadstead.core.atproto.writes import Action, Write
from roadstead.index.tables import pds_events
from roadstead.pds import events, repositories
from roadstead.pds.xrpc.subscribe import Firehose
from tests.unit.pds.conftest import NOW_MS, World


class Socket:
    """One connection as an ASGI server sees it.

    Args:
        stuck_at: the frame, counted from 0, that the subscriber does not take before `released` is set.
        client: its address.
    """

    def __init__(
        self, firehose: Firehose, query: str = "cursor=0", stuck_at: int = -1, client: str = "192.0.2.1"
    ) -> None:
        self._app = Starlette(routes=[WebSocketRoute("/", firehose.subscribe)])
        self._scope: dict[str, Any] = {
            "type": "websocket",
            "path": "/",
            "query_string": query.encode(),
            "headers": [],
            "subprotocols": [],
            "client": (client, 40000),
        }
        self._stuck_at = stuck_at
        self._frames_tried = -1
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.frames: list[Frame] = []
        self.closed_with: int | None = None
        self.got_frame, self.is_stuck, self.released = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        await self._app(self._scope, self._incoming.get, self._send)

    def hang_up(self) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            self._frames_tried += 1
            if self._frames_tried == self._stuck_at:
                self.is_stuck.set()
                await self.released.wait()
            self.frames.append(Frame.decode(message["bytes"]))
            self.got_frame.set()
        elif message["type"] == "websocket.close":
            self.closed_with = message["code"]


def address(connection: HTTPConnection) -> str:
    assert connection.client is not None
    return connection.client.host


def kinds(socket: Socket) -> list[str]:
    return [frame.kind or str(frame.payload["error"]) for frame in socket.frames]


def test_who_takes_nothing_is_let_go(world: World) -> None:
    world.account("alice")

    async def work() -> Socket:
        socket = Socket(Firehose(world.database, address, slow_s=0.2), stuck_at=1)
        await socket.run()
        return socket

    socket = asyncio.run(work())
    assert kinds(socket) == ["#identity", "ConsumerTooSlow"]
    assert socket.closed_with == 1008


def test_who_is_gone_ends_the_stream(world: World) -> None:
    world.account("alice")

    async def work() -> Socket:
        socket = Socket(Firehose(world.database, address))
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
        firehose = Firehose(world.database, address, most=1)
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
        socket = Socket(Firehose(world.database, address), query)
        await socket.run()
        return socket

    socket = asyncio.run(work())
    assert kinds(socket) == expected
    assert socket.closed_with == 1008


def test_a_cursor_of_long_ago_is_told_so_and_goes_on(world: World) -> None:
    world.account("alice")
    world.database.write_now(lambda c: c.execute(pds_events.delete().where(pds_events.c.seq < 3)) and None)

    async def work() -> Socket:
        socket = Socket(Firehose(world.database, address), "cursor=1")
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


def test_one_client_does_not_take_all_places(world: World) -> None:
    world.account("alice")

    async def work() -> tuple[Socket, Socket]:
        firehose = Firehose(world.database, address, most=3, most_of_one=2)
        mine = [Socket(firehose), Socket(firehose)]
        running = [asyncio.ensure_future(socket.run()) for socket in mine]
        for socket in mine:
            await socket.got_frame.wait()
        third, other = Socket(firehose), Socket(firehose, client="192.0.2.2")
        await third.run()
        running.append(asyncio.ensure_future(other.run()))
        await other.got_frame.wait()
        for socket in (*mine, other):
            socket.hang_up()
        await asyncio.gather(*running)
        return third, other

    third, other = asyncio.run(work())
    assert (third.closed_with, other.closed_with) == (1013, None)


def test_what_was_withdrawn_while_a_subscriber_was_slow_is_not_sent(world: World) -> None:
    account_id = world.account("alice")

    def write(number: int) -> None:
        thing = Nsid("com.example.thing")
        writes = [Write(Action.PUT, thing, RecordKey(f"k{number}"), {"$type": thing})]
        world.database.write_now(
            lambda c: repositories.commit(c, account_id, writes, now_ms=NOW_MS, memory=world.memory) and None
        )

    def forget(connection: Connection) -> None:
        there = repositories.hosted(connection, account_id)
        events.forget_commits(connection, account_id, there.did, there.head, there.commit_block, NOW_MS)

    for number in range(3):
        write(number)

    async def work() -> Socket:
        socket = Socket(Firehose(world.database, address), stuck_at=1)
        running = asyncio.ensure_future(socket.run())
        await socket.is_stuck.wait()
        await asyncio.to_thread(world.database.write_now, forget)
        socket.released.set()
        while len(socket.frames) < 3:
            await socket.got_frame.wait()
            socket.got_frame.clear()
        socket.hang_up()
        await running
        return socket

    assert kinds(asyncio.run(work())) == ["#identity", "#account", "#sync"]


def test_no_more_is_read_at_once_than_a_few_large_events(world: World) -> None:
    large = Event("#identity", b"x" * 1000)

    def append(connection: Connection) -> None:
        for _ in range(5):
            events.append(connection, None, large, NOW_MS)

    world.database.write_now(append)

    def read(after: int, limit_bytes: int) -> list[int]:
        return [
            one.seq
            for one in world.database.read_now(lambda c: events.after(c, after, limit=4, limit_bytes=limit_bytes))
        ]

    assert read(0, 1) == [1]
    assert read(0, 2000) == [1, 2]
    assert read(2, 2999) == [3, 4]
    assert read(0, 10_000) == [1, 2, 3, 4]
    assert read(5, 10_000) == []
