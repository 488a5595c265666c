"""Says `ready`, then execs a command with a signal blocked or ignored, as careless launchers do.

usage: inherits.py block|ignore NUMBER COMMAND [ARG...]
"""

import os
import signal
import sys

how, number, *command = sys.argv[1:]
signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python itself ignores it
if how == "block":
    signal.pthread_sigmask(signal.SIG_BLOCK, [int(number)])
else:
    signal.signal(int(number), signal.SIG_IGN)
print("ready", flush=True)
os.execvp(command[0], command)
