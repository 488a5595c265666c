"""Forks children that end at once and never waits for them; says `ready` when all are zombies.

usage: never_waits.py COUNT [ignore|block|handle]
The second word says what it does about SIGCHLD.
"""

import os
import signal
import sys

count, how = int(sys.argv[1]), (*sys.argv[2:], "")[0]
if how == "block":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
if how == "handle":
    signal.signal(signal.SIGCHLD, lambda *_: None)
for _ in range(count):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
if how == "ignore":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
