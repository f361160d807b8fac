"""The tree that docs/architecture.md draws is the one that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_is_drawn() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    drawn = set(re.findall(r"^[│├└─ ]+ (\w+)/", text, re.MULTILINE))
    there = {file.parent.name for file in (ROOT / "src" / "roadstead").rglob("__init__.py")} - {"roadstead", "versions"}
    assert drawn == there
