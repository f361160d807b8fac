"""A worker stops once, when it is told to, and does not outlive the process that supervises it.

One that did would hold the port and the data folder's lock, so that no new server could start, and nobody would
respawn it, stop it, or run the scheduled jobs.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


def end_with_supervisor() -> None:
    """Has the kernel kill this worker when its supervisor is gone. On other systems than Linux, nothing does.

    SIGKILL, as a worker that first finished a long answer would keep the port and the lock until then.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor.pid:
        os._exit(1)  # it was gone before the kernel was asked


def stop_once() -> None:
    """Has the workers that are forked from here on heed the first signal to stop, and no other.

    Granian's own handler freezes the worker's loop at the second (2.8.7). Each of them is told twice: Ctrl-C reaches
    the whole process group, systemd's stop the whole control group, and the supervisor then tells its workers too.
    """
    from granian import _signals
    from granian._granian import WorkerSignal

    def set_loop_signals(loop: Any) -> WorkerSignal:
        event = WorkerSignal()

        def stop() -> None:
            for number in _STOPPING:
                loop.add_signal_handler(number, lambda: None)
            event.set()

        for number in _STOPPING:
            loop.add_signal_handler(number, stop)
        return event

    _signals.set_loop_signals = set_loop_signals
