"""docs/pds.md lists every XRPC method that is answered, and no other."""

import re
from pathlib import Path
from typing import Any, cast

from roadstead.pds.xrpc.identity import IdentityMethods
from roadstead.pds.xrpc.repo import RepoMethods
from roadstead.pds.xrpc.server import ServerMethods
from roadstead.pds.xrpc.sync import SyncMethods

TEXT = (Path(__file__).parents[2] / "docs" / "pds.md").read_text()

NOTHING = cast(Any, None)
"""In place of what the methods stand on, which their names do not need."""


def test_methods_are_those_of_the_tables() -> None:
    server, repo = ServerMethods(NOTHING), RepoMethods(NOTHING)
    answered = {*server.queries(), *server.procedures(), *repo.queries(), *repo.procedures()}
    answered |= {*SyncMethods(NOTHING).queries(), *IdentityMethods(NOTHING).queries()}
    told = set()
    for namespace, methods in re.findall(r"^\| `(com\.atproto\.\w+)` \| (.+) \|$", TEXT, re.MULTILINE):
        told |= {f"{namespace}.{method}" for method in re.findall(r"`(\w+)`", methods)}
    assert told - {"com.atproto.sync.subscribeRepos"} == answered
    assert "com.atproto.sync.subscribeRepos" in told
