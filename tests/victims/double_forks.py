"""Makes orphans: forks children that fork once and exit, then says `made N`.

usage: double_forks.py COUNT [SECONDS each orphan lives, 0] [code to leave with, 0]
"""

import os
import sys
import time

count, life, code = ([int(sys.argv[1]), *map(float, sys.argv[2:]), 0, 0])[:3]
for _ in range(int(count)):
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            time.sleep(life)
        os._exit(0)
    os.waitpid(child, 0)
print("made", count, flush=True)
os._exit(int(code))
