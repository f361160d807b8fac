"""The outcome, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench.cases import Case
from bench.footprint import Footprint
from bench.measure import Sample

OURS, THEIRS = "roadstead", "distribution"
_MIB = 1024 * 1024
_ENOUGH_OF_ONE = 0.95
"""What meets a target of 1.0."""

STARTUP_TARGET_S = 1.5
GROWTH_TARGET_MIB = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of the report: medians, and their ratio, of which more is better.

    Args:
        target: the least ratio; or the most of `ours`, where the other has no figure.
    """

    name: str
    unit: str
    ours: float
    theirs: float | None = None
    ratio: float | None = None
    target: float | None = None
    runs: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached; `None` without one."""
        if self.target is None:
            return None
        if self.ratio is None:
            return self.ours <= self.target
        return self.ratio >= (_ENOUGH_OF_ONE if self.target == 1.0 else self.target)


def outcomes_of(case: Case, samples: Mapping[str, Sequence[Sample]]) -> list[Outcome]:
    """The case's row, and one for the CPU seconds where bytes were moved."""
    runs = {name: [sample.value for sample in taken] for name, taken in samples.items()}
    found = [_compared(case.name, case.unit, runs, case.target, less_is_better=case.less_is_better)]
    costs = {name: [s.cpu_s_per_gib for s in taken if s.cpu_s_per_gib is not None] for name, taken in samples.items()}
    if all(costs.values()):
        found.append(_compared("  its CPU", "s/GiB", costs, None, less_is_better=True))
    return found


def outcomes_of_footprints(one: Footprint, default: Footprint, theirs: Footprint) -> list[Outcome]:
    """Rows of memory and start-up, with one worker and with the default number."""

    def memory(name: str, ours: int, other: int, target: float | None = None) -> Outcome:
        return _compared(name, "MiB", {OURS: [ours / _MIB], THEIRS: [other / _MIB]}, target, less_is_better=True)

    startups = {OURS: [default.startup_s], THEIRS: [theirs.startup_s]}
    return [
        memory("memory at peak, one worker", one.peak, theirs.peak, 1.0),
        memory(f"memory at peak, default ({default.processes} processes)", default.peak, theirs.peak),
        memory("memory before, one worker", one.idle, theirs.idle),
        Outcome(
            "a process's growth under load",
            "MiB",
            max(one.most_growth, default.most_growth) / _MIB,
            target=GROWTH_TARGET_MIB,
        ),
        Outcome("start-up to ready", "s", median(startups[OURS]), median(startups[THEIRS]), target=STARTUP_TARGET_S),
    ]


def _compared(
    name: str, unit: str, runs: Mapping[str, Sequence[float]], target: float | None, *, less_is_better: bool
) -> Outcome:
    ours, theirs = median(runs[OURS]), median(runs[THEIRS])
    better, worse = (theirs, ours) if less_is_better else (ours, theirs)
    return Outcome(name, unit, ours, theirs, better / worse if worse else None, target, runs)


def as_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [{**asdict(outcome), "name": outcome.name.strip(), "is_met": outcome.is_met} for outcome in outcomes]


HEADING = f"{'':44} {OURS:>11} {THEIRS:>13}        {'ratio':>6} {'target':>7}"


def row(outcome: Outcome) -> str:
    """One line of the table."""
    theirs = "" if outcome.theirs is None else f"{_shown(outcome.theirs):>13}"
    ratio = "" if outcome.ratio is None else f"{outcome.ratio:6.2f}"
    target = "" if outcome.target is None else f"{outcome.target:7.1f}"
    verdict = {True: "met", False: "MISSED", None: ""}[outcome.is_met]
    figures = f"{_shown(outcome.ours):>11} {theirs:>13} {outcome.unit:6}"
    return f"{outcome.name:44} {figures} {ratio:>6} {target:>7} {verdict}".rstrip()


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
