"""Is in state D: waits in vfork(2) for a child that sleeps on; the child says `ready`.

usage: vforks.py
"""

import ctypes
import os
import signal

CLONE_VFORK = 0x4000
SYS_CLONE = {"x86_64": 56, "aarch64": 220}[os.uname().machine]

# Without CLONE_VM the child has memory of its own, so that Python survives in both.
if ctypes.CDLL(None).syscall(SYS_CLONE, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
    print("ready", flush=True)
    while True:
        signal.pause()
