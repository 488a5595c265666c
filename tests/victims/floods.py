"""Makes orphans without end from several forkers, in sessions of their own; says `flooding`.

usage: floods.py FORKERS [SECONDS after which main ends with 7; 0: never]
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
