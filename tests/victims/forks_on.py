"""Forks argv[1] children, one every millisecond, and never waits. The children do nothing."""

import os
import signal
import sys
import time

for number in range(int(sys.argv[1])):
    if os.fork() == 0:
        while True:
            signal.pause()
    if number == 0:
        print("ready", flush=True)
    time.sleep(0.001)
signal.pause()
