"""Prints the number of every signal it gets, each time it gets one, and exits after SIGNAL (TERM).

usage: prints_signals.py [until SIGNAL]
"""

import signal
import sys

last = int(sys.argv[2]) if len(sys.argv) > 2 else signal.SIGTERM
numbers = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("ready", flush=True)
got = None
while got != last:
    got = int(signal.sigwaitinfo(numbers).si_signo)
    print(got, flush=True)
