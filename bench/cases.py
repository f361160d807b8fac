"""What is compared, and what is to be reached (the issue's targets), a row a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench import measure
from bench.content import MIB
from bench.measure import Measurement

_MANIFEST_BY_TAG = "manifests/tag050"


@dataclass(frozen=True, slots=True)
class Case:
    """A row.

    Args:
        target: the ratio to reach, `None` where it is only reported. Ratios are such that more is better.
        less_is_better: the figure is a duration.
    """

    name: str
    unit: str
    measurement: Measurement
    target: float | None = None
    less_is_better: bool = False


CASES: Final = (
    Case("blob GET 256 MiB, 1 stream", "MB/s", measure.download(1), 1.0),
    Case("blob GET 256 MiB, 8 streams", "MB/s", measure.download(8), 1.0),
    Case("Range GET 128 MiB of it", "MB/s", measure.download(1, f"bytes={64 * MIB}-{192 * MIB - 1}")),
    Case("upload 256 MiB, 1 at once", "MB/s", measure.upload(1), 1.0),
    Case("upload 256 MiB, 4 at once", "MB/s", measure.upload(4), 1.0),
    Case("upload in chunks of 16 MiB, 1 at once", "MB/s", measure.upload(1, 16 * MIB), 1.0),
    Case("upload in chunks of 16 MiB, 4 at once", "MB/s", measure.upload(4, 16 * MIB), 1.0),
    Case("upload in chunks of 1 MiB, 1 at once", "MB/s", measure.upload(1, MIB), 1.0),
    Case("upload in chunks of 1 MiB, 4 at once", "MB/s", measure.upload(4, MIB), 1.0),
    Case("manifest PUT, one after another", "1/s", measure.one_after_another(measure.put_manifest), 1.0),
    Case("manifest GET by tag, 32 connections", "1/s", measure.gets(lambda stock: _MANIFEST_BY_TAG), 2.0),
    Case(
        "manifest GET by digest, 32 connections", "1/s", measure.gets(lambda stock: f"manifests/{stock.manifest}"), 2.0
    ),
    Case("blob HEAD, 32 connections", "1/s", measure.heads(lambda stock: f"blobs/{stock.large}"), 2.0),
    Case("blob GET 2 KiB, 32 connections", "1/s", measure.gets(lambda stock: f"blobs/{stock.small}"), 4.0),
    Case("upload 2 KiB, one after another", "1/s", measure.one_after_another(measure.put_small_blob), 1.0),
    Case("tags/list of 100, 32 connections", "1/s", measure.gets(lambda stock: "tags/list")),
    Case("skopeo push of 10 layers", "s", measure.push_image, less_is_better=True),
    Case("skopeo pull of 10 layers", "s", measure.pull_image, less_is_better=True),
)
