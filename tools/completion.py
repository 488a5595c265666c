#!/usr/bin/env python3
"""Write the scripts that complete reaperctl's command lines. Run `make man` after a change.

shtab makes the scripts. They are kept in the repository, so that every form has them and none needs
shtab.
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
    """The script for a shell, made from the tables as they are now."""
    return f"{shtab.complete(cli.build(*COMMANDS), shell=shell).rstrip()}\n"


if __name__ == "__main__":
    for name in SHELLS:
        (SCRIPTS / name).write_text(script(name))
