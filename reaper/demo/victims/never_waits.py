"""Starts a program and never waits for any child; ends when its standard input does.

usage: never_waits.py PROGRAM [ARG...]
"""

import os
import sys

if os.fork() == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
# Unbuffered and to the end: the program shares this pipe and nobody writes to it.
while os.read(0, 1):
    pass
