"""What the module of a command has. No program imports this; mypy and a test do."""

import argparse
from typing import Protocol

from .view import View


class Command(Protocol):
    """A module of `commands`. Its docstring is its help."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own options, and mostly those of `add_table_options`."""

    def run(self, view: View) -> int:
        """Run it and return the exit code, NOTHING or FOUND. Errors are raised."""
