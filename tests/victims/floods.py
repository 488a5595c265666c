"""Starts forkers, each in its own session, that make orphans without end; says `flooding`.

usage: floods.py FORKERS SECONDS
Main exits with code 7 after SECONDS, or after an hour if SECONDS is 0.
"""

import os
import sys
import time

forkers, seconds = int(sys.argv[1]), float(sys.argv[2])
for _ in range(forkers):
    if os.fork() == 0:
        os.setsid()
        while True:
            child = os.fork()
            if child == 0:
                if os.fork() == 0:
                    os._exit(0)
                os._exit(0)
            os.waitpid(child, 0)
print("flooding", flush=True)
time.sleep(seconds or 3600)
os._exit(7)
