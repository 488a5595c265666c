"""Starts a command from a thread, as a server with a pool of threads does.

A line on standard input ends the thread, which says `thread ended`; another one ends the process.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path


def start() -> None:
    subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    sys.stdin.readline()


thread = threading.Thread(target=start)
thread.start()
thread.join()
while len([*Path("/proc/self/task").iterdir()]) > 1:
    time.sleep(0.01)
print("thread ended", flush=True)
sys.stdin.readline()
os._exit(0)
