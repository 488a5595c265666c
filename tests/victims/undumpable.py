"""What hidepid hides from those of its own user: says `ready`, then each signal it gets."""

import ctypes
import signal

PR_SET_DUMPABLE = 4
ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, _: print(number, flush=True))
print("ready", flush=True)
while True:
    signal.pause()
