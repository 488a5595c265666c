"""`python -m reaper.inspector` is reaperctl; so is this file, under any isolated Python."""

import sys

if not __package__:
    sys.path.insert(0, __file__.rpartition("/reaper/inspector/")[0])

from reaper.inspector.cli import console

console()
