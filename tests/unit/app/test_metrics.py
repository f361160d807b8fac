"""Metrics: the sum over all workers, in a form that Prometheus's own parser reads."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from roadstead.app.metrics import Figures, Gauge, Metrics, clear, route_of

BLOB = {"path": "/v2/alice/app/blobs/sha256:0", "method": "GET"}


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """Each sample's value by its name and the values of its labels, sorted by the labels' names."""
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = [value for _, value in sorted(sample.labels.items())]
            found[sample.name, *labels] = sample.value
    return found


def test_requests_of_all_workers_are_added_up(tmp_path: Path) -> None:
    workers = [Metrics(tmp_path) for _ in range(3)]
    for worker in workers:
        worker.observe(BLOB, 200, 0.003, received=1, sent=100)
        worker.observe(BLOB, 404, 0.2, sent=10)
        worker.flush()
    found = samples(workers[0].exposition([]))
    assert found["roadstead_requests_total", "GET", "blob", "2xx"] == 3
    assert found["roadstead_requests_total", "GET", "blob", "4xx"] == 3
    assert found["roadstead_sent_bytes_total", "GET", "blob"] == 330
    assert found["roadstead_received_bytes_total", "GET", "blob"] == 3
    assert found["roadstead_request_duration_seconds_count", "GET", "blob"] == 6
    assert found["roadstead_request_duration_seconds_bucket", "0.0025", "GET", "blob"] == 0
    assert found["roadstead_request_duration_seconds_bucket", "0.005", "GET", "blob"] == 3
    assert found["roadstead_request_duration_seconds_bucket", "+Inf", "GET", "blob"] == 6
    assert found["roadstead_request_duration_seconds_sum", "GET", "blob"] == pytest.approx(0.609)


def test_who_is_asked_counts_up_to_that_moment(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.observe(BLOB, 200, 0.003)
    assert samples(metrics.exposition([]))["roadstead_requests_total", "GET", "blob", "2xx"] == 1


def test_a_worker_that_has_ended_still_counts_but_has_no_open_files(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    gone = Metrics(tmp_path)
    gone.observe(BLOB, 200, 0.003)
    gone.flush()
    [file] = tmp_path.glob("*.json")
    figures = msgspec.json.decode(file.read_bytes(), type=Figures)
    figures.pid, figures.open_files = 2**22 + 1, 10**6  # above any process id that Linux gives
    file.write_bytes(msgspec.json.encode(figures))
    found = samples(metrics.exposition([]))
    assert found["roadstead_requests_total", "GET", "blob", "2xx"] == 1
    assert found[("roadstead_workers",)] == 1
    assert 0 < found[("roadstead_open_files",)] < 10**6


def test_methods_that_clients_invent_are_one(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    for number in range(100):
        metrics.observe({"path": f"/{number}", "method": f"M{number}"}, 405, 0.1)
    assert samples(metrics.exposition([]))["roadstead_requests_total", "other", "other", "4xx"] == 100
    assert len(msgspec.json.decode(next(tmp_path.glob("*.json")).read_bytes(), type=Figures).series) == 1


def test_a_request_that_was_given_up_has_no_status(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.observe(BLOB, 0, 0.1)
    assert samples(metrics.exposition([]))["roadstead_requests_total", "GET", "blob", "aborted"] == 1


def test_gauges_and_counters_from_elsewhere(tmp_path: Path) -> None:
    gauges = [Gauge("roadstead_blobs", "Blobs.", "gauge", 3), Gauge("roadstead_gc_blobs", "Gone.", "counter", 4)]
    found = samples(Metrics(tmp_path).exposition(gauges))
    assert found[("roadstead_blobs",)] == 3
    assert found[("roadstead_gc_blobs_total",)] == 4


def test_what_is_no_figures_of_ours_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "1-x.json").write_text("{")
    assert samples(Metrics(tmp_path).exposition([]))[("roadstead_workers",)] == 1


def test_a_disk_that_takes_nothing_now_gets_the_figures_later(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    metrics = Metrics(folder)
    folder.rmdir()
    metrics.flush()
    assert metrics.exposition([])
    folder.mkdir()
    metrics.flush()
    assert list(folder.glob("*.json"))


def test_a_new_server_begins_at_zero(tmp_path: Path) -> None:
    old = Metrics(tmp_path)
    old.observe(BLOB, 200, 0.1)
    old.flush()
    clear(tmp_path)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names are what is asked


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v2/", "base"),
        ("/v2/_catalog", "base"),
        ("/v2/a/b/manifests/1", "manifest"),
        ("/v2/a/b/blobs/sha256:0", "blob"),
        ("/v2/a/b/blobs/uploads/", "upload"),
        ("/v2/a/b/blobs/uploads/1", "upload"),
        ("/v2/a/b/tags/list", "tags"),
        ("/v2/a/b/referrers/sha256:0", "referrers"),
        ("/auth/token", "token"),
        ("/xrpc/com.atproto.sync.getRepo", "xrpc"),
        ("/.well-known/did.json", "identity"),
        ("/healthz", "other"),
    ],
)
def test_routes(path: str, route: str) -> None:
    assert route_of(path) == route
