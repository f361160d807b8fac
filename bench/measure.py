"""The single measurements: each does one kind of work on one registry and gives one figure."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rig.layout import Layout

from bench import load, tools
from bench.content import LARGE_BYTES, MIB, LargeBlobs, digest_of, new_manifest, new_small
from bench.servers import REPOSITORY, Contender
from bench.stock import Stock, push_blob, push_manifest
from bench.usage import cpu_seconds
from bench.wire import Wire

_GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure, and the server's CPU seconds for a GiB where many bytes were moved."""

    value: float
    cpu_s_per_gib: float | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """What the measurements need: the content, and how long those last that count for a while."""

    blobs: LargeBlobs
    image: Layout
    folder: Path
    seconds: float
    turns: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A registry and what lies in it."""

    contender: Contender
    stock: Stock


Measurement = Callable[[Bench, Subject], Sample]


def download(streams: int, range_: str = "") -> Measurement:
    """MB/s of GETs of the large blob, or of a range of it, four times on each of so many connections."""
    times = 4 if streams == 1 else 1
    size_bytes = _range_bytes(range_) if range_ else LARGE_BYTES

    def measure(bench: Bench, subject: Subject) -> Sample:
        contender, path = subject.contender, f"/v2/{REPOSITORY}/blobs/{subject.stock.large}"
        get = load.Get(contender.port, contender.token(), path, times, range_)
        return _transfers(contender, [get] * streams, streams * times * size_bytes)

    return measure


def upload(streams: int, chunk_bytes: int = 0) -> Measurement:
    """MB/s of uploads of so many blobs of 256 MiB at once, whole or in chunks."""

    def measure(bench: Bench, subject: Subject) -> Sample:
        contender, token = subject.contender, subject.contender.token()
        blobs = [bench.blobs.new() for _ in range(streams)]
        puts = [load.Put.of(contender.port, token, REPOSITORY, blob, chunk_bytes) for blob in blobs]
        sample = _transfers(contender, puts, streams * LARGE_BYTES)
        _forget(contender, token, [blob.digest for blob in blobs])
        return sample

    return measure


def _transfers(contender: Contender, transfers: Sequence[load.Transfer], size_bytes: int) -> Sample:
    pids = contender.pids()
    before = cpu_seconds(pids)
    seconds = load.together(transfers)
    return Sample(size_bytes / 1e6 / seconds, (cpu_seconds(pids) - before) * _GIB / size_bytes)


def _forget(contender: Contender, token: str, digests: Sequence[str]) -> None:
    """Unlink what was pushed. Its bytes stay until garbage collection, with both."""
    wire = Wire(contender.port, token)
    for digest in digests:
        wire.request("DELETE", f"/v2/{REPOSITORY}/blobs/{digest}", 202)
    wire.close()


def _range_bytes(range_: str) -> int:
    first, _, last = range_.removeprefix("bytes=").partition("-")
    return int(last) - int(first) + 1


def one_after_another(act: Callable[[Wire, Stock, int], None]) -> Measurement:
    """How often a second `act` can be done on one connection."""

    def measure(bench: Bench, subject: Subject) -> Sample:
        wire = Wire(subject.contender.port, subject.contender.token())
        started = time.perf_counter()
        for _ in range(bench.turns):
            act(wire, subject.stock, next(_number))
        seconds = time.perf_counter() - started
        wire.close()
        return Sample(bench.turns / seconds)

    return measure


_number = itertools.count()


def put_manifest(wire: Wire, stock: Stock, number: int) -> None:
    """PUT of a new manifest with a new tag."""
    push_manifest(wire, new_manifest(stock.config, stock.layer), f"new{number}")


def put_small_blob(wire: Wire, stock: Stock, number: int) -> None:
    """POST and PUT of a new blob of 2 KiB."""
    body = new_small()
    push_blob(wire, body, digest_of(body))


def gets(path: Callable[[Stock], str]) -> Measurement:
    """GETs a second at 32 connections."""
    return lambda bench, subject: Sample(
        tools.gets_per_s(subject.contender, f"/v2/{REPOSITORY}/{path(subject.stock)}", bench.seconds)
    )


def heads(path: Callable[[Stock], str]) -> Measurement:
    """HEADs a second at 32 connections."""
    return lambda bench, subject: Sample(
        tools.heads_per_s(subject.contender, f"/v2/{REPOSITORY}/{path(subject.stock)}", bench.seconds)
    )


def push_image(bench: Bench, subject: Subject) -> Sample:
    """Seconds of skopeo's push of the image to where it is not yet."""
    seconds = tools.push_seconds(subject.contender, bench.image, "image")
    layers = [path.name for path in (bench.image.folder / "blobs" / "sha256").iterdir() if path.stat().st_size > MIB]
    _forget(subject.contender, subject.contender.token(), [f"sha256:{name}" for name in layers])
    return Sample(seconds)


def pull_image(bench: Bench, subject: Subject) -> Sample:
    """Seconds of skopeo's pull of the image, which is pushed before."""
    tools.push_seconds(subject.contender, bench.image, "image")
    return Sample(tools.pull_seconds(subject.contender, "image", bench.folder / "pulled"))
