"""Fills memory, then forks workers that share it, as gunicorn --preload does; says `ready`.

usage: shares_pages.py WORKERS MEGABYTES
"""

import mmap
import os
import signal
import sys

workers, size = int(sys.argv[1]), int(sys.argv[2]) << 20
memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(0, size, mmap.PAGESIZE):
    memory[page] = 1
for _ in range(workers):
    if os.fork() == 0:
        while True:
            signal.pause()
print("ready", flush=True)
while True:
    signal.pause()
