"""Ends at TERM as a good service does: with a last word and 0. usage: stops_when_told.py NAME"""

import signal
import sys

name = sys.argv[1]
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print(name, "ready", flush=True)
signal.sigwait({signal.SIGTERM})
print(name, "stopped", flush=True)
