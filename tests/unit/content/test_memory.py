"""The allocator's setting, where the C library has one."""

import subprocess
import sys

PROGRAM = """
import resource
from roadstead.content.memory import reuse_buffers

def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        pieces = [bytes([1]) * 1_000_000 for _ in range(4)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

assert reuse_buffers()
faults(2)
print(faults(100))
"""


def test_buffers_are_used_again() -> None:
    """In a process of its own, as it is a setting of the whole process: 4 MB in pages would be 1,000 faults a round."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 1000
