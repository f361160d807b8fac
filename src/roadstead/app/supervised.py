"""A worker does not outlive the process that supervises it.

It would hold the port and the data folder's lock, so that no new server could start, and nobody would respawn it,
stop it, or run the scheduled jobs.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


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
