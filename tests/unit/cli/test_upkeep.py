"""The commands of an operator: what they print, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from roadstead.app import upkeep
from roadstead.content.layout import Layout
from tests.rig.depot import depot


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """A data folder, and the command line on it."""

    data: Path

    def __call__(self, *arguments: str, **settings: str) -> Done:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ROADSTEAD_")}
        chosen = {f"ROADSTEAD_{name.upper()}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "roadstead", *arguments]
        environment = {**kept, "ROADSTEAD_DATA": str(self.data), **chosen}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder with one image, and a blob that nobody needs."""
    with depot(tmp_path / "data") as opened:
        repository = opened.repository(opened.account())
        opened.image(repository, b"layer", "1")
        opened.blob(repository, b"needless")
    return Shell(tmp_path / "data")


def test_gc_says_beforehand_what_it_then_removes(shell: Shell) -> None:
    forecast = shell("gc", "--dry-run", "--json", gc_grace_hours="0")
    report = shell("gc", "--json", gc_grace_hours="0")
    told, done = json.loads(forecast.out), json.loads(report.out)
    assert (told.pop("is_forecast"), done.pop("is_forecast")) == (True, False)
    assert told == done
    assert (done["links"], done["blobs"], done["blob_bytes"]) == (1, 1, 8)
    assert done["repositories"] == [{"repository": "alice/app", "links": 1, "size_bytes": 8}]


def test_gc_speaks_to_people(shell: Shell) -> None:
    done = shell("gc", "--dry-run", gc_grace_hours="0")
    assert done.code == 0
    assert "would be removed:" in done.out
    assert "alice/app" in done.out
    assert done.err == "", "no bar where no terminal is"


def test_what_is_within_its_grace_stays(shell: Shell) -> None:
    assert json.loads(shell("gc", "--json").out)["blobs"] == 0


def test_one_collection_at_a_time(shell: Shell) -> None:
    with depot(shell.data) as opened, upkeep.leased(opened.services, upkeep.COLLECTING):
        done = shell("gc")
        assert done.code == 1
        assert "wait until it is done" in done.err
        scheduled = shell("gc", "--scheduled")
        assert (scheduled.code, scheduled.out) == (0, "")
        assert shell("backup", str(shell.data.parent / "backup")).code == 1
        assert shell("verify").code == 0


def test_a_scheduled_job_that_was_done_lately_is_not_due(shell: Shell) -> None:
    for job in ("gc", "verify"):
        assert shell(job, "--scheduled", "--json").out
        assert shell(job, "--scheduled", "--json").out == ""
        assert shell(job, "--json").out


def test_verify_ends_with_3_where_something_is_damaged(shell: Shell) -> None:
    assert shell("verify").code == 0
    with depot(shell.data) as opened:
        digest = next(opened.services.store.iterate()).digest
    Layout(shell.data).blob(digest).write_bytes(b"?")
    done = shell("verify", "--repository", "alice/app", "--json")
    assert done.code == 3
    report = json.loads(done.out)
    assert (report["damage"], report["findings"][0]["subject"]) == (1, str(digest))
    assert shell("verify").code == 0


def test_a_repository_that_is_not_there_is_told(shell: Shell) -> None:
    for name in ("alice/absent", "bob/app", "absent", "../x"):
        done = shell("verify", "--repository", name)
        assert done.code == 1
        assert "there is no repository" in done.err


def test_reindex_tells_what_it_found(shell: Shell) -> None:
    assert json.loads(shell("reindex", "--json").out) == {"accounts": 1, "manifests": 1, "tags": 1, "skipped": []}
    assert "manifests" in shell("reindex").out


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_backup_and_restore(shell: Shell, tmp_path: Path, name: str) -> None:
    assert shell("backup", str(tmp_path / name)).code == 0
    new = Shell(tmp_path / "new")
    assert json.loads(new("restore", str(tmp_path / name), "--json").out)["blobs"] == 3
    assert new("verify").code == 0
    again = new("restore", str(tmp_path / name))
    assert again.code == 1
    assert "not empty" in again.err


def test_a_tar_goes_to_standard_output(shell: Shell, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    with target.open("wb") as file:
        environment = {**os.environ, "ROADSTEAD_DATA": str(shell.data)}
        subprocess.run([sys.executable, "-m", "roadstead", "backup", "-"], env=environment, stdout=file, check=True)
    assert Shell(tmp_path / "new")("restore", str(target)).code == 0


def test_a_tar_that_is_there_is_not_overwritten(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "backup.tar").write_bytes(b"precious")
    assert shell("backup", str(tmp_path / "backup.tar")).code == 1
    assert (tmp_path / "backup.tar").read_bytes() == b"precious"


def test_adopt_needs_a_registrys_folder_and_an_account(shell: Shell, tmp_path: Path) -> None:
    done = shell("adopt", str(tmp_path), "--account", "alice")
    assert done.code == 1
    assert "rootdirectory" in done.err
    (tmp_path / "docker" / "registry" / "v2" / "repositories").mkdir(parents=True)
    (tmp_path / "docker" / "registry" / "v2" / "blobs").mkdir()
    assert "no account" in shell("adopt", str(tmp_path), "--account", "nobody").err
    assert shell("adopt", str(tmp_path), "--account", "alice", "--copy", "--link").code == 1
    assert shell("adopt", str(tmp_path), "--account", "alice", "--dry-run").code == 0


@pytest.mark.parametrize("command", ["gc", "verify", "reindex", "backup", "restore", "adopt"])
def test_help_has_an_example(shell: Shell, command: str) -> None:
    assert f"roadstead {command}" in shell(command, "--help").out.partition("Example")[2]
