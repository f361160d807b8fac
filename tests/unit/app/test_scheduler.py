"""The schedule: jobs run again and again, one at a time, and end with the server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadstead.app import settings as settings_module
from roadstead.app.scheduler import Job, Scheduler, environment_of, jobs_of
from roadstead.app.settings import Settings
from tests.rig.waiting import until

RECORD = """
import os, sys, time
from pathlib import Path
name, folder = sys.argv[1], Path(sys.argv[2])
os.mkdir(folder / "running")  # fails if another one runs
with (folder / name).open("a") as file:
    file.write("x")
os.rmdir(folder / "running")
"""

LASTING = """
import sys, time
from pathlib import Path
Path(sys.argv[1]).touch()
time.sleep(3600)
"""


def runs(folder: Path, name: str) -> int:
    file = folder / name
    return len(file.read_text()) if file.exists() else 0


@pytest.fixture
def schedulers() -> Iterator[list[Scheduler]]:
    started: list[Scheduler] = []
    yield started
    for scheduler in started:
        scheduler.stop()


def test_jobs_run_again_and_again_one_at_a_time(tmp_path: Path, schedulers: list[Scheduler]) -> None:
    jobs = [Job(name, (sys.executable, "-c", RECORD, name, str(tmp_path)), 0.05) for name in ("one", "two")]
    scheduler = Scheduler(jobs, os.environ)
    schedulers.append(scheduler)
    scheduler.start()
    until(lambda: runs(tmp_path, "one") >= 3 and runs(tmp_path, "two") >= 3, what="both jobs to run three times")


def test_a_stop_ends_the_job_that_runs(tmp_path: Path, schedulers: list[Scheduler]) -> None:
    begun = tmp_path / "begun"
    scheduler = Scheduler([Job("lasting", (sys.executable, "-c", LASTING, str(begun)), 0.01)], os.environ)
    schedulers.append(scheduler)
    scheduler.start()
    until(begun.exists, what="the job to begin")
    scheduler.stop()
    assert not scheduler._thread.is_alive()


def test_a_job_that_fails_or_is_not_there_does_not_end_the_schedule(
    tmp_path: Path, schedulers: list[Scheduler]
) -> None:
    jobs = [
        Job("absent", ("/nonexistent",), 0.01),
        Job("failing", (sys.executable, "-c", "raise SystemExit(4)"), 0.01),
        Job("fine", (sys.executable, "-c", RECORD, "fine", str(tmp_path)), 0.05),
    ]
    scheduler = Scheduler(jobs, os.environ)
    schedulers.append(scheduler)
    scheduler.start()
    until(lambda: runs(tmp_path, "fine") >= 2, what="the job behind the failing ones")


def test_without_jobs_nothing_runs(schedulers: list[Scheduler]) -> None:
    scheduler = Scheduler([], os.environ)
    schedulers.append(scheduler)
    scheduler.start()
    assert not scheduler._thread.is_alive()


def test_the_settings_say_which_jobs_there_are() -> None:
    assert [(job.name, job.interval_s) for job in jobs_of(Settings())] == [("gc", 86400), ("verify", 604800)]
    assert jobs_of(Settings(gc_interval_hours=0, scrub_interval_hours=0)) == []


def test_a_job_gets_the_servers_settings_wherever_they_came_from(tmp_path: Path) -> None:
    ours = Settings(
        data=str(tmp_path),
        database_url="postgresql://u:secret@db/name",
        metrics_networks=(),
        trusted_proxies=("10.0.0.0/8", "::1"),
        gc_grace_hours=0.5,
        untagged_days=3,
    )
    (tmp_path / "roadstead.toml").write_text("untagged_days = 99\n")
    environment = environment_of(ours, {"ROADSTEAD_UNTAGGED_DAYS": "98", "ROADSTEAD_CONFIG": "/gone", "PATH": "/bin"})
    assert settings_module.load({}, environment) == ours
    assert environment["PATH"] == "/bin"
    assert not any("secret" in part for job in jobs_of(ours) for part in job.arguments)
