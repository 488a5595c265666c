"""reaper: a container init (PID 1) and zombie reaper. Imports nothing: every start pays for it."""

__version__ = "0.1.0"
