"""Starts a program, never waits for any child, and exits when its standard input ends.

usage: never_waits.py PROGRAM [ARG...]
"""

import os
import sys

if os.fork() == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
# It reads to the end, without a buffer: the program shares this pipe, and nobody writes to it.
while os.read(0, 1):
    pass
