"""`python -m reaper.inspector` is reaperctl."""

from .cli import console

console()
