"""Leaves an orphan behind RATE times a second, COUNT times; says `made COUNT`; ends with its input.

Each orphan lives for a moment and dies. Its parent is gone by then, so PID 1 has to wait for it.
usage: leaves_orphans.py COUNT RATE
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

LIFE = 0.02  # seconds


def leave_orphan(number: int) -> None:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    if os.fork() == 0:
        with suppress(OSError):
            Path("/proc/self/comm").write_text(f"job-{number}")
        time.sleep(LIFE)
    os._exit(0)


count, rate = int(sys.argv[1]), float(sys.argv[2])
begin = time.monotonic()
for number in range(1, count + 1):
    leave_orphan(number)
    time.sleep(max(0.0, begin + number / rate - time.monotonic()))
print("made", count, flush=True)
while os.read(0, 1):
    pass
