"""Burns CPU in two threads, `in user` mode and `in kernel`, then rests and says `ready`.

usage: burns.py SECONDS (of each thread; inf: without an end, and ready at once)
"""

import math
import os
import signal
import sys
import threading
import time
from pathlib import Path

seconds = float(sys.argv[1])
zero = os.open("/dev/zero", os.O_RDONLY)


def burn(name: str) -> None:
    Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name)
    named.wait()
    while time.thread_time() < seconds:
        if name == "in user":
            sum(range(10000))
        else:
            os.read(zero, 1 << 24)  # long, since the other holds the GIL meanwhile
    rested.wait()
    signal.pause()


named, rested = threading.Barrier(3), threading.Barrier(3)
for name in ("in user", "in kernel"):
    threading.Thread(target=burn, args=(name,), daemon=True).start()
named.wait()
if seconds < math.inf:
    rested.wait()
print("ready", flush=True)
signal.pause()
