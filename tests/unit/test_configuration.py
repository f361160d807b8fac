"""docs/configuration.md says of every setting what is true, and of nothing else that it is one."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import typer.main

from roadstead.app.settings import FIELDS, PREFIX, Settings, load
from roadstead.cli import serve

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
ROW = re.compile(r"\| `(\w+)` \| `(\w+)` \| (?:`(--[a-z-]+)` )?\| `(.+?)` \| (.+) \|")


@dataclass(frozen=True)
class Documented:
    environment: str
    flag: str | None
    default: str
    meaning: str


def rows() -> list[tuple[str, Documented]]:
    lines = [line for line in TEXT.splitlines() if line.startswith("| `")]
    matches = [ROW.fullmatch(line) for line in lines]
    assert None not in matches, f"not a row: {lines[matches.index(None)]}"
    return [(match[1], Documented(*match.groups()[1:])) for match in matches if match]


DOCUMENTED = dict(rows())


def test_every_setting_is_there_once_and_nothing_else_is() -> None:
    assert sorted(name for name, _ in rows()) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_what_is_said_of_a_setting_is_true(name: str) -> None:
    told = DOCUMENTED[name]
    assert told.environment == PREFIX + name.upper()
    assert json.loads(told.default) == json.loads(msgspec.json.encode(FIELDS[name].default))
    assert told.meaning.endswith(".")


def test_the_flags_are_those_of_the_command() -> None:
    options = {option for one in typer.main.get_command(serve.app).params for option in one.opts}
    told = {documented.flag: name for name, documented in DOCUMENTED.items() if documented.flag}
    assert set(told) == {option for option in options if option.startswith("--")} - {"--config", "--help"}
    assert all(flag == "--" + name.replace("_", "-") for flag, name in told.items())


def test_the_example_is_taken_as_it_is(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "roadstead.toml").write_text(example)
    settings = load({"data": str(tmp_path)}, {})
    assert settings.default_visibility == "private"
    assert settings != Settings(data=str(tmp_path))
