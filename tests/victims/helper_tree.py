"""Leaves helpers behind: starts the commands given, waits for a line of each, ends with a code.

usage: helper_tree.py CODE COMMAND... where a COMMAND is words split at spaces
"""

import subprocess
import sys

for command in sys.argv[2:]:
    helper = subprocess.Popen(command.split(), stdout=subprocess.PIPE, text=True)
    assert helper.stdout
    print(helper.stdout.readline(), end="", flush=True)
sys.exit(int(sys.argv[1]))
