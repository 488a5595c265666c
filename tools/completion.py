#!/usr/bin/env python3
"""Write what a shell needs to complete reaperctl's command lines: `make man` after a change.

The scripts are shtab's. They are kept, so that they are there in every form, without shtab.
"""

import sys
from pathlib import Path

import shtab

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO))
from reaper.inspector import cli  # noqa: E402
from reaper.inspector.commands import COMMANDS  # noqa: E402
from reaper.inspector.commands.completion import SCRIPTS, SHELLS  # noqa: E402


def script(shell: str) -> str:
    """The script for a shell, as the tables have it now."""
    return f"{shtab.complete(cli.build(*COMMANDS), shell=shell).rstrip()}\n"


if __name__ == "__main__":
    for name in SHELLS:
        (SCRIPTS / name).write_text(script(name))
