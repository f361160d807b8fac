"""What a server's processes take: CPU seconds, and proportional memory (PSS) while something happens."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.process import proportional_memory_bytes

_SAMPLE_EVERY_S = 0.02
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of the processes together, in steps of 10 ms."""
    ticks = 0
    for pid in pids:
        # The name, in brackets, may hold spaces; utime and stime are the 14th and 15th field.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS_PER_S


@dataclass(slots=True)
class Memory:
    """PSS in bytes: of each process before and at its peak, and of all together at their peak."""

    before: dict[int, int] = field(default_factory=dict)
    peak: dict[int, int] = field(default_factory=dict)
    peak_together: int = 0

    @property
    def before_together(self) -> int:
        return sum(self.before.values())

    @property
    def most_growth(self) -> int:
        """By how much the process grew that grew most."""
        return max(self.peak[pid] - self.before[pid] for pid in self.before)

    def _note(self, found: dict[int, int]) -> None:
        self.peak_together = max(self.peak_together, sum(found.values()))
        self.peak = {pid: max(self.peak.get(pid, 0), size) for pid, size in found.items()}


@contextmanager
def watched(pids: Sequence[int]) -> Iterator[Memory]:
    """Sample the processes' memory for as long as the body runs."""
    memory = Memory(before=_sizes(pids))
    memory._note(memory.before)
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_EVERY_S):
            memory._note(_sizes(pids))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield memory
    finally:
        ended.set()
        sampler.join()


def _sizes(pids: Sequence[int]) -> dict[int, int]:
    return {pid: proportional_memory_bytes(pid) for pid in pids}
