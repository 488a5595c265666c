"""Leaves helpers behind: starts commands, waits for a line from each, and exits with a code.

usage: helper_tree.py CODE COMMAND...
Each COMMAND is one argument, which is split at spaces.
"""

import subprocess
import sys

for command in sys.argv[2:]:
    helper = subprocess.Popen(command.split(), stdout=subprocess.PIPE, text=True)
    assert helper.stdout
    print(helper.stdout.readline(), end="", flush=True)
sys.exit(int(sys.argv[1]))
