"""Leaves orphans that have ended, all at once, and bounces a signal off its parent until they are
reaped: one goes out for each that comes back. Says how many came back between the first reaped and
the last.

Where somebody else has the processors, all are reaped before the first signal is out; so there are
some rounds, and the best one counts.

usage: bounces.py ORPHANS
"""

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

ROUNDS, ENOUGH = 20, 5
INIT = os.getppid()


def left() -> int:
    return len(Path(f"/proc/{INIT}/task/{INIT}/children").read_bytes().split()) - 1


def leave_zombies(count: int) -> NoReturn:
    pids = []
    for _ in range(count):
        if (pid := os.fork()) == 0:
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    os._exit(0)


def came_back_meanwhile(orphans: int) -> int:
    child = os.fork()
    if child == 0:
        leave_zombies(orphans)
    os.waitpid(child, 0)
    count = 0
    while left():
        os.kill(INIT, signal.SIGRTMIN)
        signal.sigwait([signal.SIGRTMIN])
        count += 0 < left() < orphans
    return count


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
best = 0
for _ in range(ROUNDS):
    best = max(best, came_back_meanwhile(int(sys.argv[1])))
    if best >= ENOUGH:
        break
print(best)
