"""Is undumpable, so that hidepid hides it even from its own user; prints each signal up to TERM.

It says `ready` first. It does not print in a handler, because a second signal could come while the
line of the first is written.
"""

import ctypes
import signal

PR_SET_DUMPABLE = 4
ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
numbers = {signal.SIGTERM, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("ready", flush=True)
got = None
while got != signal.SIGTERM:
    got = signal.sigwait(numbers)
    print(int(got), flush=True)
