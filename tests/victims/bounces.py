"""Leaves orphans that have ended, all at once, and bounces a signal off its parent until they are
reaped: one goes out for each that comes back. Says how many came back.

usage: bounces.py ORPHANS
"""

import os
import signal
import sys
from pathlib import Path

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
init = os.getppid()
child = os.fork()
if child == 0:
    for _ in range(int(sys.argv[1])):
        if os.fork() == 0:
            os._exit(0)
    os._exit(0)
os.waitpid(child, 0)
children = Path(f"/proc/{init}/task/{init}/children")
came_back = 0
while len(children.read_bytes().split()) > 1:
    os.kill(init, signal.SIGRTMIN)
    signal.sigwait([signal.SIGRTMIN])
    came_back += 1
print(came_back)
