"""The completion script for a shell, with the commands and options of this version.

Examples:
  reaperctl completion bash > /etc/bash_completion.d/reaperctl
  reaperctl completion zsh > /usr/local/share/zsh/site-functions/_reaperctl
  reaperctl completion tcsh > /etc/profile.d/reaperctl.completion.csh
"""

import argparse
from pathlib import Path

from ..view import NOTHING, View

SHELLS = ("bash", "zsh", "tcsh")
SCRIPTS = Path(__file__).parent.parent / "completion"  # written by tools/completion.py


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="write the script for this shell to stdout")


def run(view: View) -> int:
    script = (SCRIPTS / view.options.shell).read_text()
    if view.json:
        view.emit(script=script)
    else:
        view.out.write(script)
    return NOTHING
