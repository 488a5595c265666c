"""Leaves COUNT orphans behind, RATE a second, and exits when its standard input ends.

Each orphan lives for a moment and dies. Its parent is gone by then, so PID 1 has to wait for it.
When all are made, the program says `made COUNT`. If it cannot fork any more, it says
`made N; cannot fork: WHY`.
usage: leaves_orphans.py COUNT RATE
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

LIFE = 0.02  # seconds


def leave_orphan(number: int) -> int:
    """Fork a child that forks an orphan. Returns 0, or the error number if a fork(2) failed."""
    try:
        child = os.fork()
    except OSError as error:
        return error.errno or 1
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        orphan = os.fork() == 0
    except OSError as error:
        os._exit(error.errno or 1)
    if orphan:
        with suppress(OSError):
            Path("/proc/self/comm").write_text(f"job-{number}")
        time.sleep(LIFE)
    os._exit(0)


def work(count: int, rate: float) -> str:
    begin = time.monotonic()
    for number in range(1, count + 1):
        if failed := leave_orphan(number):
            return f"made {number - 1}; cannot fork: {os.strerror(failed)}"
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
    return f"made {count}"


print(work(int(sys.argv[1]), float(sys.argv[2])), flush=True)
while os.read(0, 1):
    pass
