"""`com.atproto.sync.getRepo` towards readers that a real client cannot be: stuck, gone, too many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from roadstead.core.atproto.car import MEDIA_TYPE, read_car
from roadstead.core.errors import TooManyRequests, UnknownRecord
from roadstead.index.tables import pds_repositories
from roadstead.pds.xrpc import exports as module
from roadstead.pds.xrpc.exports import OPEN_AT_ONCE, OPEN_OF_ONE, Exports
from tests.unit.pds.conftest import World
from tests.unit.pds.surface import HOST, Surface, surface


@pytest.fixture
def pds(world: World, tmp_path: Path) -> Iterator[Surface]:
    with surface(world, tmp_path) as made:
        yield made


async def send(response: Response, *, stuck: bool = False) -> bytes:
    """What a reader gets; one that is stuck takes the head alone."""
    body = b""

    async def take(message: Any) -> None:
        nonlocal body
        if message["type"] == "http.response.body":
            if stuck:
                await asyncio.Event().wait()
            body += message["body"]

    async def never() -> Any:
        await asyncio.Event().wait()

    await response({"type": "http", "method": "GET", "headers": []}, never, take)
    return body


def test_they_count_until_they_are_sent(world: World, tmp_path: Path) -> None:
    account_id = world.account("alice")

    async def work() -> None:
        exports = Exports(world.database, tmp_path)
        held = [await exports.response(account_id, None, "reader") for _ in range(OPEN_OF_ONE)]
        with pytest.raises(TooManyRequests):
            await exports.response(account_id, None, "reader")
        for number in range(OPEN_AT_ONCE - OPEN_OF_ONE):
            held.append(await exports.response(account_id, None, f"reader {number}"))
        with pytest.raises(TooManyRequests):
            await exports.response(account_id, None, "one more")
        await send(held[0])
        roots, _ = read_car(await send(await exports.response(account_id, None, "reader")))
        assert roots == (world.hosted("alice").head.cid,)
        await asyncio.gather(*map(send, held[1:]))

    asyncio.run(work())


def test_who_reads_nothing_is_let_go(world: World, tmp_path: Path) -> None:
    account_id = world.account("alice")

    async def work() -> None:
        exports = Exports(world.database, tmp_path, patience_s=0.05)
        for _ in range(OPEN_OF_ONE + 1):
            await send(await exports.response(account_id, None, "reader"), stuck=True)

    asyncio.run(work())


def test_what_cannot_be_made_counts_no_longer(world: World, tmp_path: Path) -> None:
    account_id = world.account("alice")
    world.database.write_now(lambda c: c.execute(pds_repositories.delete()) and None)

    async def work() -> None:
        exports = Exports(world.database, tmp_path)
        for _ in range(OPEN_AT_ONCE + 1):
            with pytest.raises(UnknownRecord):
                await exports.response(account_id, None, "reader")

    asyncio.run(work())


def test_large_ones_lie_in_the_data_folder(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = world.account("alice")
    monkeypatch.setattr(module, "SPOOL_BYTES", 1)

    async def work() -> None:
        response = await Exports(world.database, tmp_path).response(account_id, None, "reader")
        assert any(target.startswith(f"{tmp_path}/") and target.endswith("(deleted)") for target in _opened())
        read_car(await send(response))

    asyncio.run(work())


def _opened() -> list[str]:
    return [_target(link) for link in Path("/proc/self/fd").iterdir()]


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""  # the listing's own


def test_a_head_makes_none(pds: Surface, monkeypatch: pytest.MonkeyPatch) -> None:
    pds.account("alice")
    refuse: Callable[..., None] = lambda *_: pytest.fail("an export was made")  # noqa: E731
    monkeypatch.setattr("roadstead.pds.export.write", refuse)
    asked = {"did": f"did:web:alice.{HOST}"}
    answer = pds.fetch("HEAD", "/xrpc/com.atproto.sync.getRepo", params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    nobody = {"did": f"did:web:nobody.{HOST}"}
    assert pds.fetch("HEAD", "/xrpc/com.atproto.sync.getRepo", params=nobody).status_code == 400
