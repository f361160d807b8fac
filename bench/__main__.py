"""`python -m bench [--quick] [--runs N] [--only WORD] [--json]`: this server against distribution, in one run."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.layout import Layout, noise, tar_of

from bench.cases import CASES, Case
from bench.content import MIB, LargeBlobs
from bench.footprint import Footprint, footprint
from bench.measure import Bench, Sample, Subject
from bench.report import HEADING, OURS, THEIRS, Outcome, as_json, outcomes_of, outcomes_of_footprints, row
from bench.servers import Distribution, Roadstead
from bench.stock import Stock

_PEERS = ("distribution", "ab", "wrk", "skopeo")


def main() -> int:
    arguments = _arguments()
    if missing := [name for name in _PEERS if not PEERS[name].is_there()]:
        print(f"bench: {', '.join(missing)} missing; `make peers` brings them", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="roadstead-bench-", dir=arguments.folder) as folder:
        outcomes = _all(Path(folder), arguments)
    if arguments.json:
        print(json.dumps(as_json(outcomes), indent=1))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=0, help="how often each is measured (5, or 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="short measurements")
    parser.add_argument("--only", default="", metavar="WORD", help="only the cases whose name has this in it")
    parser.add_argument("--workers", type=int, default=0, help="this server's processes; 0 is the default number")
    parser.add_argument("--json", action="store_true", help="print JSON, with every run's figure, after the table")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure; some GB are written there")
    return parser.parse_args()


def _all(folder: Path, arguments: argparse.Namespace) -> list[Outcome]:
    bench = Bench(
        blobs=LargeBlobs(folder),
        image=_image(folder / "image"),
        folder=folder,
        seconds=1 if arguments.quick else 3,
        turns=100 if arguments.quick else 400,
    )
    runs = arguments.runs or (1 if arguments.quick else 5)
    print(HEADING)
    outcomes: list[Outcome] = []
    chosen = [case for case in CASES if arguments.only in case.name]
    if chosen:
        outcomes += _compare(bench, chosen, runs, arguments.workers)
    if arguments.only in "memory start-up":
        found = outcomes_of_footprints(*_footprints(bench))
        _show(found)
        outcomes += found
    return outcomes


def _image(folder: Path) -> Layout:
    """An image of ten layers of 8 MiB."""
    layout = Layout(folder)
    layers = [layout.tar_layer(tar_of({f"file{number}": noise(8 * MIB, seed=number)})) for number in range(10)]
    layout.tag(layout.image(layers), "1")
    return layout


def _compare(bench: Bench, cases: Sequence[Case], runs: int, workers: int) -> list[Outcome]:
    ours, theirs = Roadstead(bench.folder, workers), Distribution(bench.folder)
    try:
        large = bench.blobs.new()
        subjects = [Subject(contender, Stock.put(contender, large)) for contender in (ours, theirs)]
        outcomes: list[Outcome] = []
        for case in cases:
            samples: dict[str, list[Sample]] = {OURS: [], THEIRS: []}
            for _ in range(runs):
                for subject in subjects:
                    samples[subject.contender.name].append(case.measurement(bench, subject))
            found = outcomes_of(case, samples)
            _show(found)
            outcomes += found
        return outcomes
    finally:
        ours.close()
        theirs.close()


def _footprints(bench: Bench) -> tuple[Footprint, Footprint, Footprint]:
    one = footprint(lambda folder: Roadstead(folder, workers=1), bench, bench.folder / "one")
    default = footprint(Roadstead, bench, bench.folder / "default")
    return one, default, footprint(Distribution, bench, bench.folder / "theirs")


def _show(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        print(row(outcome), flush=True)


if __name__ == "__main__":
    sys.exit(main())
