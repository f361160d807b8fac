"""docs/operations.md lists every figure that a server shows, with its type, and no other."""

import re
import urllib.request
from pathlib import Path

from tests.rig.server import Server

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def test_every_metric_is_listed(server: Server) -> None:
    # Some are there only once the job has run.
    server.run("gc")
    server.run("verify")
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        shown = answer.read().decode()
    told = re.findall(r"^\| `(roadstead_\w+)` \| (\w+) \|", TEXT, re.MULTILINE)
    assert sorted(told) == sorted(re.findall(r"^# TYPE (\w+) (\w+)$", shown, re.MULTILINE))
