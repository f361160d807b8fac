"""Figures of all workers of this machine, for Prometheus (exposition format 0.0.4).

A worker counts in plain numbers of its own, and writes them every few seconds into a file of its own below
`DATA/metrics`. Who is asked for `/metrics` writes its file, and adds up all files: also those of workers that have
ended since the server began, so that no counter ever goes back.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from starlette.types import Scope

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = structlog.get_logger()

FLUSH_S: Final = 2.0

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Upper bounds of the durations that are told apart."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""Others are counted together: a client may invent as many as it likes."""

_V2: Final = (
    ("/manifests/", "manifest"),
    ("/blobs/uploads/", "upload"),
    ("/blobs/", "blob"),
    ("/referrers/", "referrers"),
    ("/tags/", "tags"),
)
_OTHERS: Final = (("/auth/", "token"), ("/xrpc/", "xrpc"), ("/.well-known/", "identity"))


class Series(msgspec.Struct):
    """Requests of one route, method and class of status.

    Args:
        status: the first digit of their statuses; 0 where the client went away before any.
        buckets: how many took as long, by `BUCKETS_S`; those above all bounds come last.
    """

    route: str
    method: str
    status: int
    seconds: float = 0.0
    received: int = 0
    sent: int = 0
    buckets: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))


class Figures(msgspec.Struct):
    """What one worker has counted."""

    pid: int
    open_files: int
    series: list[Series]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure that is not counted but looked up.

    Args:
        kind: `gauge`, or `counter` for what only grows.
    """

    name: str
    help: str
    kind: str
    value: float


class Metrics:
    """The figures of one worker; a `roadstead.app.front.Meter`.

    Args:
        folder: `DATA/metrics`; see `clear`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{os.getpid()}-{secrets.token_hex(4)}.json"
        self._series: dict[tuple[str, str, int], Series] = {}

    def observe(self, scope: Scope, status: int, seconds: float, received: int = 0, sent: int = 0) -> None:
        """Notes one request that was answered.

        Args:
            received: the bytes of its body; `sent`: those of the answer's.
        """
        key = (route_of(scope["path"]), scope["method"], status // 100)
        series = self._series.get(key) or self._new(key)
        series.seconds += seconds
        series.received += received
        series.sent += sent
        series.buckets[bisect_left(BUCKETS_S, seconds)] += 1

    async def run(self) -> None:
        """Writes the figures down every few seconds, until it is cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                self.flush()
        finally:
            self.flush()

    def flush(self) -> None:
        """Writes the figures down for the other workers; a disk that is full gets them the next time."""
        figures = Figures(os.getpid(), _open_files(), list(self._series.values()))
        beside = self._file.with_suffix(".new")
        try:
            beside.write_bytes(msgspec.json.encode(figures))
            beside.replace(self._file)
        except OSError as error:
            log.warning("the metrics cannot be written down now", reason=str(error))

    def exposition(self, gauges: list[Gauge]) -> bytes:
        """The figures of all workers, and these, in Prometheus's text format."""
        from prometheus_client.exposition import generate_latest
        from prometheus_client.registry import CollectorRegistry

        self.flush()
        found = self._all()

        class Collector:
            def collect(self) -> Iterator[Metric]:
                yield from _families(found)
                yield from _gauges(gauges)

        registry = CollectorRegistry(auto_describe=False)
        registry.register(Collector())
        return generate_latest(registry)

    def _new(self, key: tuple[str, str, int]) -> Series:
        route, method, status = key
        if method not in METHODS:
            key = (route, "other", status)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series(*key)
        return found

    def _all(self) -> list[Figures]:
        decoder = msgspec.json.Decoder(Figures)
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                found.append(decoder.decode(file.read_bytes()))
            except (OSError, msgspec.DecodeError):
                continue  # another version's, or a server that begins anew has just removed it
        return found


def clear(folder: Path) -> None:
    """Forgets the figures of the server before; called once, before any worker starts."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*folder.glob("*.json"), *folder.glob("*.new")):
        file.unlink(missing_ok=True)


def route_of(path: str) -> str:
    """What kind of request a path means, in one of few words."""
    if path.startswith("/v2/"):
        for part, route in _V2:
            if part in path:
                return route
        return "base"
    for start, route in _OTHERS:
        if path.startswith(start):
            return route
    return "other"


def _families(found: list[Figures]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    labels = ("route", "method")
    requests = CounterMetricFamily("roadstead_requests", "Requests answered.", labels=(*labels, "status"))
    received = CounterMetricFamily("roadstead_received_bytes", "Bytes of requests' bodies.", labels=labels)
    sent = CounterMetricFamily("roadstead_sent_bytes", "Bytes of answers' bodies.", labels=labels)
    durations = HistogramMetricFamily("roadstead_request_duration_seconds", "How long requests took.", labels=labels)
    by_status: dict[tuple[str, str, str], int] = {}
    by_route: dict[tuple[str, str], Series] = {}
    for series in (series for figures in found for series in figures.series):
        key = (series.route, series.method)
        status = (*key, f"{series.status}xx" if series.status else "aborted")
        by_status[status] = by_status.get(status, 0) + sum(series.buckets)
        summed = by_route.setdefault(key, Series(*key, 0))
        summed.seconds += series.seconds
        summed.received += series.received
        summed.sent += series.sent
        summed.buckets = [one + other for one, other in zip(summed.buckets, series.buckets, strict=True)]
    for status, count in sorted(by_status.items()):
        requests.add_metric(status, count)
    for key, summed in sorted(by_route.items()):
        received.add_metric(key, summed.received)
        sent.add_metric(key, summed.sent)
        durations.add_metric(key, _cumulative(summed.buckets), summed.seconds)
    yield from (requests, received, sent, durations)
    alive = [figures for figures in found if _is_alive(figures.pid)]
    yield GaugeMetricFamily("roadstead_workers", "Processes that serve.", len(alive))
    open_files = sum(figures.open_files for figures in alive)
    yield GaugeMetricFamily("roadstead_open_files", "Open files of all workers.", open_files)


def _gauges(gauges: list[Gauge]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    families: dict[str, Any] = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}
    for gauge in gauges:
        yield families[gauge.kind](gauge.name, gauge.help, gauge.value)


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    bounds = [*map(str, BUCKETS_S), "+Inf"]
    return [(bound, float(sum(buckets[: index + 1]))) for index, bound in enumerate(bounds)]


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path for each of them would be for nothing
    except OSError:
        return 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
