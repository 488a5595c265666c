"""Catches every signal that asks it to end, and lives on; says `ready PID`, then `ignored N`.

usage: ignores_term.py [own-session | own-group]
"""

import contextlib
import os
import signal
import sys


def ignore(number: int, _: object) -> None:
    with contextlib.suppress(OSError):
        os.write(1, f"ignored {number}\n".encode())


if "own-session" in sys.argv:
    os.setsid()
if "own-group" in sys.argv:
    os.setpgid(0, 0)
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, ignore)
print("ready", os.getpid(), flush=True)
while True:
    signal.pause()
