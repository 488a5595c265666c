"""The command line of reaperctl: finds the command, runs it, and reports all errors.

Exit codes: 0 if nothing was found, 1 if there are findings or if `kill` left processes alive, 2
after an error, which is reported in one line, 130 after Ctrl-C. `top` on a terminal has codes of
its own: see `terminal`.
"""

import argparse
import gc
import importlib
import inspect
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn, cast

from .. import __version__
from ..escape import escaped
from .commands import COMMANDS
from .errors import UserError
from .reading.procfs import Proc
from .view import ERROR, View, add_common_options

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

    from .command import Command

EPILOG = """\
Each command has its own --help, with examples.
Exit codes: 0 nothing found, 1 findings (doctor, zombies) or some remain (kill),
2 an error.
"""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that reports an error in one line and says where to find help."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {escaped(message)}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(ERROR)

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Print the help. Unlike argparse's method, raise OSError if it cannot be written."""
        (file or sys.stdout).write(self.format_help())


def module_of(command: str) -> "Command":
    """The module of a command."""
    name = f".commands.{command.replace('-', '_')}"
    return cast("Command", importlib.import_module(name, __package__))


def build(*wanted: str) -> argparse.ArgumentParser:
    """Build the parser. Only the commands in `wanted` are imported and get their options."""
    parser = Parser(
        prog="reaperctl",
        description="Looks at processes: what runs, what leaks, what is wrong, and what to do.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"reaperctl {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for name, summary in COMMANDS.items():
        if name not in wanted:
            commands.add_parser(name, help=summary, add_help=False)
            continue
        module = module_of(name)
        about, _, examples = inspect.cleandoc(module.__doc__ or "").partition("\nExamples:")
        sub = commands.add_parser(
            name,
            help=summary,
            description=about,
            epilog="examples:" + examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.arguments(sub)
        add_common_options(sub)
        sub.set_defaults(run=module.run)
    return parser


def look(options: argparse.Namespace) -> Proc:
    """The /proc to look at."""
    if options.container is None and options.root == "/proc":
        return Proc()
    from .reading.container import look_into  # noqa: PLC0415

    return look_into(options.root, options.container)


def _joined(arguments: Sequence[str]) -> list[str]:
    """Write `--sort -rss` as `--sort=-rss`, because argparse would take `-rss` for an option."""
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1] == "--sort":
            joined[-1] += "=" + word
        else:
            joined.append(word)
    return joined


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit code."""
    parser = build(*[word for word in arguments if word in COMMANDS][:1])
    if not arguments:
        parser.print_help()
        return ERROR
    options = parser.parse_args(_joined(arguments))
    try:
        view = View(options, look(options))
        code: int = options.run(view)
    except UserError as problem:
        print(f"reaperctl: {escaped(str(problem))}", file=sys.stderr)
        return ERROR
    if not view.json:
        for note in view.notes:
            print(f"reaperctl: {escaped(note)}", file=view.err)
    return code


def console() -> NoReturn:
    """Run `main` on sys.argv and exit. The reader of the output may stop early, as head(1) does."""
    gc.disable()  # it would take a quarter of the time with 10,000 processes, and we exit soon
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        print("reaperctl: standard output is closed", file=sys.stderr)
        raise SystemExit(ERROR)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = _flushed(sys.argv[1:])
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            where = escaped(str(error.filename or "standard output"))
            print(f"reaperctl: {where}: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ERROR
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code)


def _flushed(arguments: Sequence[str]) -> int:
    """Run `main`, write out everything, and return the exit code, also after --help or an error."""
    try:
        code = main(arguments)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    sys.stdout.flush()
    return code
