"""Start-up time and memory: measured on servers of their own, since sampling memory costs time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import load, tools
from bench.content import MIB
from bench.measure import Bench, Subject, upload
from bench.servers import REPOSITORY, Contender
from bench.stock import Stock
from bench.usage import watched


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a server needs. Sizes in bytes, PSS of all its processes together unless said otherwise.

    Args:
        most_growth: by how much, under load, the process grew that grew most.
    """

    startup_s: float
    idle: int
    peak: int
    most_growth: int
    processes: int


def footprint(make: Callable[[Path], Contender], bench: Bench, folder: Path) -> Footprint:
    """Start a server, put every kind of load on it, and watch its memory."""
    folder.mkdir(parents=True)
    contender = make(folder)
    try:
        subject = Subject(contender, Stock.put(contender, bench.blobs.new()))
        with watched(contender.pids()) as memory:
            _work(bench, subject)
        return Footprint(
            startup_s=contender.startup_s,
            idle=memory.before_together,
            peak=memory.peak_together,
            most_growth=memory.most_growth,
            processes=len(memory.before),
        )
    finally:
        contender.close()


def _work(bench: Bench, subject: Subject) -> None:
    contender, stock = subject.contender, subject.stock
    for chunk_bytes in (0, 16 * MIB):
        upload(4, chunk_bytes)(bench, subject)
    get = load.Get(contender.port, contender.token(), f"/v2/{REPOSITORY}/blobs/{stock.large}", times=2)
    load.together([get] * 8)
    part = load.Get(get.port, get.token, get.path, times=2, range_=f"bytes={MIB}-{200 * MIB}")
    load.together([part] * 8)
    for path in (f"manifests/{stock.manifest}", f"blobs/{stock.small}", "tags/list"):
        tools.gets_per_s(contender, f"/v2/{REPOSITORY}/{path}", bench.seconds)
