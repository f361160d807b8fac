"""The jobs that the server does by itself: garbage collection and reading back, each as a process of its own.

So the workers' latency does not suffer, and the memory that a job needs is given back at its end. One runs at a time.
Whether a job is due is asked by its process, in SQL: another replica may have done it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from roadstead.app.settings import FIELDS, PREFIX, Settings

log = structlog.get_logger()

FIRST_S: Final = 600.0
"""A server that has just begun waits no longer than this before it looks what is due."""

JITTER: Final = 0.1
"""By which part of its interval a job comes earlier or later, so that replicas do not ask all at once."""

STOP_S: Final = 10.0
"""How long a job that is stopped may take to end."""

STEP_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again."""

    name: str
    arguments: Sequence[str]
    interval_s: float


def jobs_of(settings: Settings) -> list[Job]:
    """The jobs that the settings ask for."""
    every_h = {"gc": settings.gc_interval_hours, "verify": settings.scrub_interval_hours}
    command = (sys.executable, "-m", "roadstead")
    return [
        Job(name, (*command, name, "--scheduled", "--json"), hours * 3600) for name, hours in every_h.items() if hours
    ]


def environment_of(settings: Settings, ambient: Mapping[str, str]) -> dict[str, str]:
    """`ambient`, but that a command started in it has exactly these settings, whatever files or flags they came from.

    Not as arguments: the database's URL may hold a password, and everybody may read a command line.
    """
    found = {name: text for name, text in ambient.items() if not name.startswith(PREFIX)}
    for name in FIELDS:
        value: Any = getattr(settings, name)
        text = (
            ",".join(value)
            if isinstance(value, tuple)
            else str(value).lower()
            if value in (True, False)
            else str(value)
        )
        found[PREFIX + name.upper()] = text
    return found


class Scheduler:
    """Runs jobs until it is stopped, in a thread of the supervising process.

    Args:
        environment: of the jobs' processes.
        chance: gives a number from 0 to 1.
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        environment: Mapping[str, str],
        chance: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = list(jobs)
        self._environment = environment
        self._chance = chance
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begins."""
        if self._jobs:
            self._thread.start()

    def stop(self) -> None:
        """Ends the job that runs, and starts no more."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        start = self._monotonic()
        due = {job.name: start + self._first_s(job) for job in self._jobs}
        while True:
            job = min(self._jobs, key=lambda one: due[one.name])
            if self._stopping.wait(max(0.0, due[job.name] - self._monotonic())):
                return
            self._do(job)
            jittered_s = job.interval_s * (1 + JITTER * (2 * self._chance() - 1))
            due[job.name] = self._monotonic() + jittered_s

    def _first_s(self, job: Job) -> float:
        return min(FIRST_S, job.interval_s) * (0.1 + 0.9 * self._chance())

    def _do(self, job: Job) -> None:
        """Runs one job to its end, or until `stop`."""
        try:
            process = subprocess.Popen(
                job.arguments,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                # Its own session: who interrupts the server at a terminal does not interrupt the job halfway.
                start_new_session=True,
            )
        except OSError as error:
            log.error("a job cannot be started", job=job.name, reason=str(error))
            return
        with process:
            output = self._output(process)
        if output is not None:
            _tell(job, process.returncode, output)

    def _output(self, process: subprocess.Popen[bytes]) -> bytes | None:
        """What the process has printed; None where it was stopped."""
        while not self._stopping.is_set():
            try:
                return process.communicate(timeout=STEP_S)[0]
            except subprocess.TimeoutExpired:
                continue
        process.terminate()
        try:
            process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return None


def _tell(job: Job, code: int, output: bytes) -> None:
    if not output and code == os.EX_OK:
        return  # it was not due
    try:
        report: dict[str, Any] = msgspec.json.decode(output or b"{}", type=dict[str, Any])
    except msgspec.DecodeError:
        report = {"output": output.decode(errors="replace")[:1000]}
    say = log.info if code == os.EX_OK else log.error
    say("job done" if code == os.EX_OK else "job failed", job=job.name, code=code, report=report)
