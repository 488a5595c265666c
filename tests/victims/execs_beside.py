"""Starts a command, waits until its tracer has stopped it, and then execs another command.

usage: execs_beside.py COMMAND... -- COMMAND...
"""

import os
import sys
import time
from pathlib import Path

words = sys.argv[1:]
first, second = words[: words.index("--")], words[words.index("--") + 1 :]
pid = os.fork()
if pid == 0:
    os.execvp(first[0], first)
while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "t":
    time.sleep(0.01)
os.execvp(second[0], second)
