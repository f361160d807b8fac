"""docs/errors.md knows every code and status that the registry answers with, and every exit code."""

import re
from pathlib import Path

from roadstead.cli.main import EXIT_CODES
from roadstead.registry.errors import UNAVAILABLE, WIRE
from tests.conformance.checklist import CODES

TEXT = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
ROW = re.compile(r"^\| `([A-Z_]+)` \| ([0-9, ]+) \| (.+) \| (.+) \|$", re.MULTILINE)


def test_codes_and_statuses_are_those_of_the_one_map() -> None:
    told = {(code, int(status)) for code, statuses, *_ in ROW.findall(TEXT) for status in statuses.split(",")}
    assert told == set(WIRE.values())
    assert {code for code, _ in told} == CODES | {UNAVAILABLE}


def test_exit_codes_are_those_of_the_command() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d) \| ", TEXT, re.MULTILINE)}
    assert told == set(EXIT_CODES.values()) | {0, 2}
