"""How much the memory of processes grows while something happens."""

import threading
from types import TracebackType

from tests.rig.process import proportional_memory_bytes

SAMPLE_S = 0.05


class PeakMemory:
    """Watches processes' PSS for as long as the `with` body runs."""

    def __init__(self, pids: list[int]) -> None:
        self._before = {pid: proportional_memory_bytes(pid) for pid in pids}
        self._peak = dict(self._before)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="peak-memory", daemon=True)

    def growth_bytes(self) -> dict[int, int]:
        """By process: its peak less what it had before."""
        return {pid: self._peak[pid] - before for pid, before in self._before.items()}

    def peak_bytes(self) -> dict[int, int]:
        return dict(self._peak)

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self._sample()

    def _sample(self) -> None:
        for pid, peak in self._peak.items():
            self._peak[pid] = max(peak, proportional_memory_bytes(pid))

    def __enter__(self) -> "PeakMemory":
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._watcher.join()
        self._sample()
