"""Leaves orphans that have ended, all at once, and bounces a signal off its parent until they are
reaped: one goes out for each that comes back. Says how many came back.

Where somebody else has the processors they are reaped before the first one is out; so there are
some rounds, and the best one counts.

usage: bounces.py ORPHANS
"""

import os
import signal
import sys
from pathlib import Path

ROUNDS, ENOUGH = 20, 5
INIT = os.getppid()
CHILDREN = Path(f"/proc/{INIT}/task/{INIT}/children")


def came_back(orphans: int) -> int:
    child = os.fork()
    if child == 0:
        for _ in range(orphans):
            if os.fork() == 0:
                os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)
    count = 0
    while len(CHILDREN.read_bytes().split()) > 1:
        os.kill(INIT, signal.SIGRTMIN)
        signal.sigwait([signal.SIGRTMIN])
        count += 1
    return count


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
best = 0
for _ in range(ROUNDS):
    best = max(best, came_back(int(sys.argv[1])))
    if best >= ENOUGH:
        break
print(best)
