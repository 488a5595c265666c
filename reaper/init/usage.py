"""The text of `--help`, from the tables of options and of signals."""

from reaper import signals
from reaper.init.options import TABLE

_HEAD = """\
Usage: reaper [OPTIONS] [--] PROGRAM [ARG...]

Run PROGRAM as the main process of a container: forward signals to it, reap every
orphan, let the rest finish, and leave with PROGRAM's exit code.

Options:
"""
_SHORTS = """\
  -g, -c, --single-child        short for --scope group, for --scope main
  -v, -q, --verbose, --quiet    info, with -vv debug; errors only
  -h, --help                    this text
  -V, --version                 the version

Every option can come from the environment: --stop-timeout from REAPER_STOP_TIMEOUT,
a repeatable one with commas: REAPER_REWRITE=TERM=QUIT,HUP=. The command line wins.

Signals:
"""
_FOOT = """
Exit code: PROGRAM's; 128+n where signal n killed it; 127: PROGRAM or its interpreter
is not there; 126: it cannot be executed; 125: the init itself failed, or the command
line is wrong.
"""
_COLUMN = 32


def text() -> str:
    """The text of `--help`."""
    lines: list[str] = []
    for option in TABLE:
        letter = f"-{option.letter}, " if option.letter else "    "
        flag = f"  {letter}--{option.name} {option.metavar}".rstrip()
        first, *more = option.help.split("\n")
        lines.append(f"{flag:<{_COLUMN}}{first}")
        lines += [f"{'':<{_COLUMN}}{line}" for line in more]
    return f"{_HEAD}{_joined(lines)}{_SHORTS}{_joined(_signals())}{_FOOT}"


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _signals() -> list[str]:
    lines: list[str] = []
    for action, meaning in signals.MEANING.items():
        names = [name[3:] for name, does, _ in signals.POLICY if does == action]
        if action == signals.FORWARD:
            names.append(f"RTMIN to RTMAX ({signals.REALTIME_REASON})")
        lines += [f"  {action}: {meaning}", *_fold(names)]
    return lines


def _fold(names: list[str]) -> list[str]:
    lines = ["   "]
    for name in names:
        if len(lines[-1]) + len(name) > 84:
            lines.append("   ")
        lines[-1] += f" {name}"
    return lines
