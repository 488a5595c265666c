"""Starts reaperctl, as `python -m reaper.inspector` or as this file under an isolated Python."""

import sys

if not __package__:
    sys.path.insert(0, __file__.rpartition("/reaper/inspector/")[0])

from reaper.inspector.cli import console

console()
