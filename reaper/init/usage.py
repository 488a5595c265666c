"""The text of `--help`, made from the tables of options and of signals."""

from reaper import signals
from reaper.init.options import TABLE

_HEAD = """\
Usage: reaper [OPTIONS] [--] PROGRAM [ARG...]

Run PROGRAM as the main process of a container: forward signals to it, reap every
orphan, and leave with PROGRAM's exit code. Main is the process that runs PROGRAM; the
rest is every other process that the init is responsible for.

Options:
"""
_SHORTS = """\
  -g                            short for --scope group
  -c, --single-child            short for --scope main
  -v, --verbose                 one log level more: -v is info, -vv is debug
  -q, --quiet                   short for --log-level error
  -h, --help                    print this text
  -V, --version                 print the version

Every option can come from the environment: --stop-timeout from REAPER_STOP_TIMEOUT.
Commas separate the values of a repeatable one: REAPER_REWRITE=TERM=QUIT,HUP=.
The command line wins.

Signals:
"""
_FOOT = """
Exit code: PROGRAM's own; 128+n if signal n killed it; 127 if PROGRAM or its interpreter
is not there; 126 if it cannot be executed; 125 if the init itself failed or the command
line is wrong.
"""
_COLUMN = 32


def text() -> str:
    """The text of `--help`."""
    lines: list[str] = []
    for option in TABLE:
        letter = f"-{option.letter}, " if option.letter else "    "
        flag = f"  {letter}--{option.name} {option.metavar}".rstrip()
        words = option.help.split("\n")
        if len(flag) >= _COLUMN:  # there is no room for a space behind it
            lines.append(flag)
        else:
            lines.append(f"{flag:<{_COLUMN}}{words.pop(0)}")
        lines += [f"{'':<{_COLUMN}}{line}" for line in words]
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
