"""The documents agree with each other and with the tree: links lead somewhere, and names of settings are real."""

import re
from pathlib import Path

import pytest

from roadstead.app.settings import FIELDS, PREFIX
from roadstead.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted(file for file in (ROOT / "examples").iterdir() if file.is_file())
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())
    absent = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert not absent


@pytest.mark.parametrize("document", [*DOCUMENTS, *EXAMPLES], ids=_name)
def test_variables_are_settings(document: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]*[A-Z])\b", document.read_text()))
    assert {name.lower() for name in named} <= set(FIELDS) | {"config"}


@pytest.mark.parametrize("document", [*DOCUMENTS, *EXAMPLES], ids=_name)
def test_commands_are_commands(document: Path) -> None:
    named = set(re.findall(r"(?:^|`|bin/|-- )roadstead ([a-z][a-z-]+)", document.read_text(), re.MULTILINE))
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("decision", DECISIONS, ids=_name)
def test_decisions_say_what_was_rejected_and_are_listed(decision: Path) -> None:
    heads = re.findall(r"^## (.+)$", decision.read_text(), re.MULTILINE)
    assert heads == ["Context", "Decision", "Rejected", "Consequences"]
    assert f"({decision.name})" in (decision.parent / "README.md").read_text()
