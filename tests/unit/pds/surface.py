"""The PDS's routes on real parts, asked in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.engine import Connection
from starlette.applications import Starlette

from roadstead.auth import app_passwords
from roadstead.auth.directory import AccountDirectory
from roadstead.auth.keys import SigningKeys
from roadstead.auth.login import Login
from roadstead.auth.passwords import Passwords, hash_password
from roadstead.auth.rate_limit import RateLimits
from roadstead.auth.sessions import Sessions
from roadstead.content.disk import DiskStore
from roadstead.content.uploads import Uploads
from roadstead.core.access.rights import Action
from roadstead.identity.resolve import Resolver
from roadstead.index import accounts as account_rows
from roadstead.index.dialects import insert
from roadstead.index.tables import accounts, meta
from roadstead.pds.ports import RecordChange
from roadstead.pds.xrpc.exports import Exports
from roadstead.pds.xrpc.parts import Parts
from roadstead.pds.xrpc.routes import routes
from tests.unit.pds.conftest import NOW_MS, World

HOST = "example.com"
PASSWORD = "correct horse battery"
LIFE_S = 900


@dataclass
class Clock:
    """The time of the test, in seconds since 1970."""

    now_s: float = NOW_MS / 1000

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Heard:
    """An observer that keeps what it hears, and may refuse it."""

    changes: list[RecordChange] = field(default_factory=list)
    refusal: Exception | None = None

    def written(self, _connection: Connection, _account_id: int, changes: Sequence[RecordChange]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.changes += changes


@dataclass
class Surface:
    """A client of the PDS."""

    world: World
    runner: asyncio.Runner
    client: httpx.AsyncClient
    parts: Parts
    clock: Clock
    heard: Heard

    def get(self, method: str, **parameters: Any) -> Any:
        """A query; gives the response."""
        return self.fetch("GET", f"/xrpc/{method}", params=parameters)

    def post(self, method: str, body: Any, token: str = "", **headers: str) -> Any:
        """A procedure; gives the response."""
        sent = {"authorization": f"Bearer {token}", **headers} if token else headers
        if isinstance(body, bytes):
            return self.fetch("POST", f"/xrpc/{method}", content=body, headers=sent)
        return self.fetch("POST", f"/xrpc/{method}", json=body, headers=sent)

    def fetch(self, verb: str, path: str, **options: Any) -> httpx.Response:
        """Any request; gives the response."""
        return self.runner.run(self.client.request(verb, path, **options))

    def login(self, name: str, password: str = PASSWORD) -> Mapping[str, Any]:
        """A session."""
        response = self.post("com.atproto.server.createSession", {"identifier": name, "password": password})
        assert response.status_code == 200, response.text
        session: Mapping[str, Any] = response.json()
        return session

    def token(self, name: str) -> str:
        """An access token, made for an account that is made when it is first asked for."""
        self.account(name)
        token: str = self.login(name)["accessJwt"]
        return token

    def account(self, name: str) -> int:
        """The id of an account with `PASSWORD`."""
        if name not in self.world.accounts:
            account_id = self.world.account(name)
            hashed = hash_password(PASSWORD)
            change = accounts.update().where(accounts.c.id == account_id).values(password_hash=hashed)
            self.world.database.write_now(lambda connection: connection.execute(change) and None)
        return self.world.accounts[name]

    def app_password(self, name: str, *repositories: str, actions: Sequence[Action]) -> str:
        """A new app password's secret."""
        account_id = self.account(name)

        def work(connection: Connection) -> str:
            account = account_rows.by_id(connection, account_id)
            assert account is not None
            _, secret = app_passwords.create(
                connection, account, "robot", repositories=repositories, actions=actions, now_ms=NOW_MS
            )
            return secret

        return self.world.database.write_now(work)


@contextlib.contextmanager
def surface(world: World, folder: Path) -> Iterator[Surface]:
    """The routes, for as long as the block lasts."""
    world.host = HOST
    row = {"key": account_rows.HOST_KEY, "value": HOST}
    world.database.write_now(lambda c: c.execute(insert(c, meta).values(row).on_conflict_do_nothing()) and None)
    clock, heard, passwords = Clock(), Heard(), Passwords()
    resolver = Resolver(AccountDirectory(world.database, clock))
    keys = SigningKeys(world.database, rotate_after_days=30, token_life_s=LIFE_S, clock=clock)
    limits = RateLimits(folder / "limits", clock)
    login = Login(world.database, resolver, passwords, limits, clock)
    store = DiskStore(folder / "content")
    uploads = Uploads(folder / "uploads", store)
    did = f"did:web:{HOST}"
    parts = Parts(
        database=world.database,
        memory=world.memory,
        uploads=uploads,
        store=store,
        resolver=resolver,
        sessions=Sessions(world.database, keys, login, service_did=did, life_s=LIFE_S, clock=clock),
        observer=heard,
        exports=Exports(world.database, folder),
        service_did=did,
        base_url=lambda _: f"https://{HOST}",
        address=lambda _: "192.0.2.1",
        clock=clock,
    )
    with asyncio.Runner() as runner:
        transport = httpx.ASGITransport(Starlette(routes=routes(parts)))
        client = httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")
        yield Surface(world, runner, client, parts, clock, heard)
        runner.run(client.aclose())
    passwords.close()
    uploads.close()
    limits.close()
