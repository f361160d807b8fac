"""The two that are compared, each on a free loopback port with its data on the same disk, each with tokens."""

from __future__ import annotations

import json
import time
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from tests.peers.table import PEERS
from tests.rig.process import Background, family, free_port
from tests.rig.server import Server

REPOSITORY = "bench/app"
"""All is pushed here; its first component is the account."""

_ACCESS = ("pull", "push", "delete")


class Contender(Protocol):
    """A registry that runs."""

    name: str

    @property
    def port(self) -> int: ...

    @property
    def startup_s(self) -> float:
        """From its process's start to its first answer that it is ready."""
        ...

    def token(self) -> str:
        """A new bearer token for all of `REPOSITORY`."""
        ...

    def pids(self) -> list[int]:
        """All its processes."""
        ...

    def close(self) -> None: ...


class Roadstead:
    """This project's server.

    Args:
        workers: processes; 0 means the default number.
    """

    name = "roadstead"

    def __init__(self, folder: Path, workers: int = 0) -> None:
        self._server = Server(folder / "roadstead", workers=workers)
        # The first start makes the database; what is measured is a start as there are many.
        self._server.start().stop()
        started = time.perf_counter()
        self._server.start()
        self.startup_s = time.perf_counter() - started
        self._account = self._server.account("bench")

    @property
    def port(self) -> int:
        return self._server.port

    def token(self) -> str:
        query = urlencode({"service": self._service(), "scope": f"repository:{REPOSITORY}:{','.join(_ACCESS)}"})
        request = urllib.request.Request(f"{self._server.url}/auth/token?{query}")
        credentials = b64encode(f"{self._account.name}:{self._account.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["token"])

    def _service(self) -> str:
        return self._server.host

    def pids(self) -> list[int]:
        return family(self._server.process.pid)

    def close(self) -> None:
        self._server.stop()


class Distribution:
    """distribution v3, set up as its image is (descriptors cached in memory), and with a token of its own kind."""

    name = "distribution"
    _service, _issuer = "bench", "bench"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "distribution"
        self._folder.mkdir(parents=True)
        self.port = free_port()
        self._key = ECKey.generate_key("P-256", {"kid": "bench"})
        config = self._folder / "config.json"
        config.write_text(json.dumps(self._config()))
        started = time.perf_counter()
        program = str(PEERS["distribution"].program)
        self._process = Background([program, "serve", str(config)], log=self._folder / "log", environment={})
        self._process.wait_until(self._answers, what="distribution to answer")
        self.startup_s = time.perf_counter() - started

    def _config(self) -> dict[str, object]:
        keys = self._folder / "jwks.json"
        keys.write_text(json.dumps(KeySet([self._key]).as_dict(private=False)))
        token = {"realm": "http://127.0.0.1:1/token", "service": self._service, "issuer": self._issuer}
        return {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "cache": {"blobdescriptor": "inmemory"},
                "filesystem": {"rootdirectory": str(self._folder / "data")},
                "delete": {"enabled": True},
            },
            "http": {"addr": f"127.0.0.1:{self.port}", "secret": "of-the-bench"},
            "auth": {"token": {**token, "jwks": str(keys)}},
        }

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/").close()
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        return True

    def token(self) -> str:
        now = int(time.time())
        access = [{"type": "repository", "name": REPOSITORY, "actions": list(_ACCESS)}]
        claims = {"iss": self._issuer, "sub": "bench", "aud": self._service, "jti": "1", "access": access}
        times = {"iat": now, "nbf": now - 10, "exp": now + 900}
        return jwt.encode({"alg": "ES256", "typ": "JWT", "kid": "bench"}, {**claims, **times}, self._key)

    def pids(self) -> list[int]:
        return family(self._process.pid)

    def close(self) -> None:
        self._process.stop()
