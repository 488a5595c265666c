"""Burns CPU in two threads, one `in user` mode, one `in kernel`; then says `ready` and rests.

For each line of standard input it burns again and says `ready` again.

usage: burns.py SECONDS (of each thread, each time)
"""

import mmap
import os
import signal
import sys
import threading
import time
from itertools import chain
from pathlib import Path

seconds = float(sys.argv[1])
zero = os.open("/dev/zero", os.O_RDONLY)


def burn(name: str) -> None:
    Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name)
    while True:
        begin.wait()
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            if name == "in user":
                sum(range(10000))
            else:
                # The read is long, because the other thread has the GIL between two reads. Each
                # page is a fault.
                os.readv(zero, [mmap.mmap(-1, 1 << 24)])
        rested.wait()


begin, rested = threading.Barrier(3), threading.Barrier(3)
for name in ("in user", "in kernel"):
    threading.Thread(target=burn, args=(name,), daemon=True).start()
for _ in chain([""], sys.stdin):
    begin.wait()
    rested.wait()
    print("ready", flush=True)
signal.pause()
