"""Starts a pool, kills its master, so that the workers are left behind, and starts another pool.

usage: loses_master.py WORKERS [once]
It says `ready` at the end. With `once` it does not start another pool.
"""

import os
import signal
import sys
from pathlib import Path

workers = int(sys.argv[1])


def pool() -> int:
    """Start a master with its workers, and return its pid when all are there."""
    reader, writer = os.pipe()
    master = os.fork()
    if master == 0:
        os.setsid()
        Path("/proc/self/comm").write_text("pool")
        for _ in range(workers):
            if os.fork() == 0:
                os.close(reader)
                os.write(writer, b".")
                os.close(writer)
                while True:
                    signal.pause()
        while True:
            signal.pause()
    os.close(writer)
    for _ in range(workers):
        os.read(reader, 1)
    return master


first = pool()
os.kill(first, signal.SIGKILL)
os.waitpid(first, 0)
if "once" not in sys.argv:
    pool()
print("ready", flush=True)
while True:
    signal.pause()
