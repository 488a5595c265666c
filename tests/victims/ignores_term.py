"""Ignores every signal that asks it to end; says `ready PID`.

usage: ignores_term.py [own-session | own-group]
"""

import os
import signal
import sys

if "own-session" in sys.argv:
    os.setsid()
if "own-group" in sys.argv:
    os.setpgid(0, 0)
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, lambda number, _: print("ignored", number, flush=True))
print("ready", os.getpid(), flush=True)
while True:
    signal.pause()
