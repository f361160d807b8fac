"""The Python SDK as a client of our PDS: its XRPC client and its reader of firehoses. It ships no types."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

with warnings.catch_warnings():
    # The SDK's models use what a library of its own has deprecated; that is not for our tests to fail on.
    warnings.simplefilter("ignore")
    from atproto import Client, FirehoseSubscribeReposClient, parse_subscribe_repos_message  # type: ignore[import-untyped]

from tests.rig.server import Account, Server

DEADLINE_S = 30


@contextmanager
def sdk_client(server: Server, account: Account) -> Iterator[Any]:
    """The SDK's client, logged in."""
    client = Client(base_url=f"{server.url}/xrpc")
    try:
        client.login(f"{account.name}.localhost", account.password, fetch_bsky_profile=False)
        yield client
    finally:
        client.request.close()


class Subscriber:
    """What the SDK's reader receives, one message at a time."""

    def __init__(self) -> None:
        self._messages: SimpleQueue[Any] = SimpleQueue()

    def receive(self, message: Any) -> None:
        self._messages.put(parse_subscribe_repos_message(message))

    def next(self, deadline_s: float = DEADLINE_S) -> Any:
        """The next message.

        Raises:
            TimeoutError: none came.
        """
        try:
            return self._messages.get(timeout=deadline_s)
        except Empty:
            raise TimeoutError(f"the firehose sent nothing for {deadline_s} s") from None

    def until(self, seq: int) -> list[Any]:
        """The messages up to number `seq`."""
        found: list[Any] = []
        while not found or found[-1].seq < seq:
            found.append(self.next())
        return found


@contextmanager
def subscribed(server: Server, cursor: int | None = None) -> Iterator[Subscriber]:
    """The SDK's reader on a server's firehose, from a cursor on."""
    parameters = {} if cursor is None else {"cursor": cursor}
    reader = FirehoseSubscribeReposClient(parameters, base_uri=f"ws://{server.host}/xrpc")
    subscriber = Subscriber()
    thread = threading.Thread(target=reader.start, args=(subscriber.receive,), daemon=True)
    thread.start()
    try:
        yield subscriber
    finally:
        reader.stop()
        thread.join(DEADLINE_S)
