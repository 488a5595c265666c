"""Every name it has drives a terminal: its own, a zombie's, arguments, directory, a mapped file.

usage: names_itself.py FOLDER NAME; says `ready`.
A directory of that name is made in FOLDER, and in it a file.
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
