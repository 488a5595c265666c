"""Uses a name that drives a terminal for itself, a zombie, its directory and a mapped file.

usage: names_itself.py FOLDER NAME
It makes a directory NAME in FOLDER, and a file NAME in that, and says `ready`.
"""

import ctypes
import mmap
import os
import signal
import sys
from pathlib import Path

PR_SET_NAME = 15

folder, name = sys.argv[1:3]
here = Path(folder, name)
here.mkdir()
os.chdir(here)
with Path(name).open("wb+") as file:
    file.truncate(mmap.PAGESIZE)
    mapped = mmap.mmap(file.fileno(), mmap.PAGESIZE)
ctypes.CDLL(None).prctl(PR_SET_NAME, os.fsencode(name), 0, 0, 0)
if os.fork() == 0:
    os._exit(0)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready", flush=True)
while True:
    signal.pause()
