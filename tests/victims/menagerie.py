"""Has one child of each kind: threads, nice, stopped, zombie, another user, a terminal, signals.

It says `ready` when all are there.

usage: menagerie.py
"""

import ctypes
import os
import pty
import signal
import threading
from pathlib import Path

reader, writer = os.pipe()
os.setpriority(os.PRIO_PROCESS, 0, 0)  # the tests themselves may run under nice(1)


def animal(name: bytes) -> bool:
    """Fork a child with this name. True in the child."""
    if os.fork():
        return False
    Path("/proc/self/comm").write_bytes(name)
    return True


def rest() -> None:
    """Tell the parent that this child is in place, and sleep."""
    os.write(writer, b".")
    while True:
        signal.pause()


if animal(b"threads"):
    for _ in range(3):
        threading.Thread(target=signal.pause, daemon=True).start()
    rest()
if animal(b"nice"):
    os.nice(5)
    rest()
if animal(b"leader of (all)"):
    os.setsid()
    rest()
if animal(b"locked"):
    ctypes.CDLL(None).mlockall(1)
    rest()
if animal(b"other user"):
    os.setresgid(12, 34, 34)
    os.setresuid(12, 34, 34)
    rest()
if animal(b"signals"):
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH, signal.SIGRTMIN + 1])
    os.kill(os.getpid(), signal.SIGWINCH)
    rest()
if animal(b"new\nline"):
    rest()

stopped = os.fork()
if stopped == 0:
    while True:
        os.kill(os.getpid(), signal.SIGSTOP)
os.waitid(os.P_PID, stopped, os.WSTOPPED | os.WNOWAIT)
zombie = os.fork()
if zombie == 0:
    os._exit(0)
os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
if pty.fork()[0] == 0:  # a session of its own, in the foreground of its terminal
    rest()
for _ in range(8):
    os.read(reader, 1)
print("ready", flush=True)
while True:
    signal.pause()
