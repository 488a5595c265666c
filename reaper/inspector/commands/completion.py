"""The completion script of a shell, for the commands and options of this version.

It needs shtab: pip install 'reaper-init[ctl]'.

Examples:
  reaperctl completion bash > /etc/bash_completion.d/reaperctl
  reaperctl completion zsh > /usr/local/share/zsh/site-functions/_reaperctl
  reaperctl completion tcsh > /etc/profile.d/reaperctl.completion.csh
"""

import argparse

from ..errors import UserError
from ..view import NOTHING, View
from . import COMMANDS

SHELLS = ("bash", "zsh", "tcsh")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="write the script for this shell to stdout")


def run(view: View) -> int:
    try:
        import shtab  # noqa: PLC0415  no other command needs it
    except ModuleNotFoundError:
        raise UserError("completion needs shtab: pip install 'reaper-init[ctl]'") from None
    from ..cli import build  # noqa: PLC0415  `cli` imports the commands, not they it

    script = shtab.complete(build(*COMMANDS), shell=view.options.shell)
    if view.json:
        view.emit(script=script)
    else:
        view.print(script)
    return NOTHING
