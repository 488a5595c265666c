"""Turns the command line and the environment into `Options`.

It is written by hand because importing argparse would cost half a start. `TABLE` is the one list
of options: parsing, `--help` and the manual page read it. `core` decides what an option leads to.
There are no system calls here.
"""

from reaper import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Convert = Callable[["Options", str, str], None]

GROUP, MAIN, TREE = "group", "main", "tree"
EMPTY = "empty"
KEEP, END = "keep", "end"
TEXT, JSON = "text", "json"
OWN, EXACT = "own", "exact"
OFF = "off"
TERMINATION_LOG = "/dev/termination-log"  # only Kubernetes makes this file
LEVELS = ("error", "warning", "info", "debug")

DROP = 0  # in Options.rewrite: the signal is not forwarded
STOP = -1  # in Options.expect: main was killed by the very signal that was forwarded


class UsageError(Exception):
    """Bad input. `what` says in one line what is wrong, `cure` in one line what to do."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure


class Options:
    """What the user asked for. Times are in seconds; signals and exit codes are numbers."""

    def __init__(self) -> None:
        self.command: list[str] = []
        self.given: dict[str, list[str]] = {}  # field -> how it was written, and where
        self.scope = GROUP
        self.rewrite: dict[int, int] = {}
        self.grace = 5.0
        self.stop_signals = {signals.NUMBERS[name] for name in ("SIGTERM", "SIGINT", "SIGQUIT")}
        self.stop_timeout = 0.0
        self.stop_delay = 0.0
        self.expect: dict[int, int] = {}
        self.until = MAIN
        self.adopted = KEEP
        self.subreaper = False
        self.parent_death = 0
        self.warn_reap = False
        self.log_level = LEVELS.index("warning")
        self.log_format = TEXT
        self.log_file = "fd:2"
        self.trace = ""
        self.trace_mode = OWN
        self.termination_log = ""  # empty: TERMINATION_LOG, if that file is there

    def told(self) -> list[str]:
        """The options that are not at their default, each with the place that it comes from."""
        default = vars(Options())
        changed = [name for name in self.given if getattr(self, name) != default[name]]
        return [text for name in changed for text in self.given[name]]


def _one_of(*words: str) -> "Convert":
    def convert(options: Options, name: str, text: str) -> None:
        if text not in words:
            raise ValueError(f"is not one of {', '.join(words)}")
        setattr(options, name, text)

    return convert


def _seconds(options: Options, name: str, text: str) -> None:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    # The limit is ten years: beyond it the kernel's timer arithmetic could overflow. NaN fails both
    # comparisons.
    if not 0 <= seconds <= 315_360_000:
        raise ValueError("is not a number of seconds such as 5 or 0.5")
    setattr(options, name, seconds)


_TRUTH = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


def _flag(options: Options, name: str, text: str) -> None:
    if text.lower() not in _TRUTH:
        raise ValueError("is neither 1 nor 0")
    setattr(options, name, _TRUTH[text.lower()])


def _path_or_fd(options: Options, name: str, text: str) -> None:
    if not text or (text.startswith("fd:") and not _is_number(text[3:])):
        raise ValueError("is neither a path nor fd:N")
    setattr(options, name, text)


def _path_or_off(options: Options, name: str, text: str) -> None:
    if text != OFF and not text.startswith("/"):
        raise ValueError("is neither an absolute path nor off")
    setattr(options, name, text)


def _signal(options: Options, name: str, text: str) -> None:
    setattr(options, name, signals.parse(text))


def _signals(options: Options, name: str, text: str) -> None:
    setattr(options, name, {_forwarded(word) for word in _list(text)})


def _list(text: str) -> list[str]:
    """What stands between commas, without the spaces around it."""
    return [word.strip() for word in text.split(",")]


def _forwarded(text: str) -> int:
    """The number of a signal that the init forwards; ValueError for any other signal."""
    number = signals.parse(text)
    if signals.ACTIONS[number] not in (signals.FORWARD, signals.TERMINATE):
        raise ValueError(f"names {signals.name_of(number)}, which is never forwarded")
    return number


def _level(options: Options, name: str, text: str) -> None:
    if text not in LEVELS:
        raise ValueError(f"is not one of {', '.join(LEVELS)}")
    options.log_level = LEVELS.index(text)


def _rewrite(options: Options, _name: str, text: str) -> None:
    source, separator, target = text.replace("=", ":", 1).partition(":")
    if not separator:
        raise ValueError("is not SIG=SIG such as TERM=QUIT, or SIG= to drop it")
    options.rewrite[_forwarded(source)] = signals.parse(target) if target else DROP


def _expect(options: Options, _name: str, text: str) -> None:
    code, separator, result = text.partition("=")
    numbers = [result if separator else "0", *([] if code == "stop" else [code])]
    if not all(_is_number(number) and int(number) <= 255 for number in numbers):
        raise ValueError("is not CODE, CODE=N or stop, with codes from 0 to 255")
    options.expect[STOP if code == "stop" else int(code)] = int(numbers[0])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


class Option:
    """One row of `TABLE`: long name, letter, name of the value, conversion and help text."""

    __slots__ = ("convert", "help", "letter", "metavar", "name")
    name: str
    letter: str
    metavar: str  # empty for a flag
    convert: "Convert"
    help: str

    def __init__(self, *row: "Any") -> None:
        self.name, self.letter, self.metavar, self.convert, self.help = row

    @property
    def field(self) -> str:
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        return f"REAPER_{self.field.upper()}"

    def apply(self, options: Options, text: str, origin: str) -> None:
        """Set the field from `text`.

        Raises UsageError, which names `origin`: the option or the variable as it was written.
        """
        try:
            self.convert(options, self.field, text)
        except ValueError as error:
            said = str(error)
            what = said if said.startswith('"') else f'"{text}" {said}'
            raise UsageError(
                f"{origin}: {what}", "see reaper --help for the values that it takes"
            ) from None
        before = options.given.get(self.field, []) if self.name in REPEATABLE else []
        where = origin if origin == self.variable else "command line"
        value = f" {text}" if self.metavar else ""
        options.given[self.field] = [*before, f"--{self.name}{value} ({where})"]


TABLE = (
    Option("scope", "", "group|main|tree", _one_of(GROUP, MAIN, TREE), """\
who gets a forwarded signal: main's process group (-g),
main alone (-c), or every descendant [group]"""),
    Option("rewrite", "r", "SIG=SIG", _rewrite, """\
rewrite a signal before it is forwarded; SIG= drops it;
repeatable"""),
    Option("grace", "", "SECONDS", _seconds, """\
when main is gone: send TERM to the rest, wait up to
this long, then send KILL; 0: leave at once [5]"""),
    Option("stop-signals", "", "SIG,...", _signals, """\
these signals are stops, when they come in or when they
go out after --rewrite [TERM,INT,QUIT]"""),
    Option("stop-timeout", "", "SECONDS", _seconds, """\
send KILL to main's group if main still lives this long
after a stop was forwarded; 0: never [0]"""),
    Option("stop-delay", "", "SECONDS", _seconds, """\
hold the first stop back this long; a second stop ends
the wait [0]"""),
    Option("expect", "e", "CODE[=N]", _expect, """\
leave with N (0) if the exit code would be CODE; stop:
if main is killed by the signal that was forwarded;
repeatable"""),
    Option("until", "", "main|empty", _one_of(MAIN, EMPTY), """\
live until main is gone, or until the last process is
gone [main]"""),
    Option("adopted", "", "keep|end", _one_of(KEEP, END), """\
end: send TERM, later KILL, to a process when it is
adopted [keep]"""),
    Option("subreaper", "s", "", _flag, """\
adopt orphans when the init is not PID 1; always on"""),
    Option("parent-death", "p", "SIG", _signal, """\
when the init's parent dies, act as if SIG had come;
KILL is left to the kernel, which also sends it when
the thread that started the init ends"""),
    Option("warn-reap", "w", "", _flag, """\
write a warning for each orphan that is reaped"""),
    Option("log-level", "", "LEVEL", _level, """\
error, warning, info or debug; -v says more, -q only
errors [warning]"""),
    Option("log-format", "", "text|json", _one_of(TEXT, JSON), """\
lines for people, or one JSON object a line [text]"""),
    Option("log-file", "", "PATH|fd:N", _path_or_fd, """\
where the log goes [fd:2]"""),
    Option("trace", "", "PATH|fd:N", _path_or_fd, """\
write the lifecycle trace there, as JSON Lines [off]"""),
    Option("trace-mode", "", "own|exact", _one_of(OWN, EXACT), """\
own: what the init itself sees; exact (every fork, exec
and exit) is not built in yet [own]"""),
    Option("termination-log", "", "PATH|off", _path_or_off, """\
say in this file why main ended, if the file is there
and main left it empty [/dev/termination-log]"""),
)  # fmt: skip
REPEATABLE = ("rewrite", "expect")

_LONG = {f"--{option.name}": option for option in TABLE}
_SHORT = {f"-{option.letter}": option for option in TABLE if option.letter}
_SHORTHANDS = {
    "-g": ("scope", GROUP),
    "-c": ("scope", MAIN),
    "--single-child": ("scope", MAIN),
    "-q": ("log-level", "error"),
    "--quiet": ("log-level", "error"),
}
_VERBOSE = ("-v", "--verbose")
SHOW = {"-h": "help", "--help": "help", "-V": "version", "--version": "version"}


def parse(arguments: list[str], environ: dict[bytes, bytes]) -> Options | str:
    """Read the words after argv[0] and the REAPER_ variables. The words win over the variables.

    Returns the options, or `help` or `version` if the user asked for that. Raises UsageError.
    """
    words, command = _words(arguments)
    if words and words[-1][0] in SHOW:
        return SHOW[words[-1][0]]
    options = Options()
    for option in TABLE:
        value = environ.get(option.variable.encode(), b"").decode("utf-8", "surrogateescape")
        for text in _list(value) if option.name in REPEATABLE else [value]:
            if text:  # empty counts as unset, because Compose files cannot unset a variable
                option.apply(options, text, option.variable)
    for word, text in words:
        _apply(options, word, text)
    if not command:
        raise UsageError(
            "no program to run", "give one: reaper [OPTIONS] -- PROGRAM [ARG...]; see reaper --help"
        )
    options.command = command
    return options


def _apply(options: Options, word: str, text: str) -> None:
    if word in _VERBOSE:
        word, text = "--log-level", LEVELS[min(options.log_level + 1, len(LEVELS) - 1)]
    if word in _SHORTHANDS:
        name, text = _SHORTHANDS[word]
        word = f"--{name}"
    option = _LONG.get(word) or _SHORT[word]
    option.apply(options, text, word)


def _words(arguments: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Split into (option, value) pairs and the user's command. Stops at --help and --version."""
    words: list[tuple[str, str]] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            words.append(_long(word, rest))
        else:
            words += _letters(word, rest)
        if words[-1][0] in SHOW:
            break
    return words, rest


def _long(word: str, rest: list[str]) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    option = _LONG.get(name)
    if option and option.metavar:
        return name, value if equals else _value(name, option, rest)
    if option is None and name not in (*_SHORTHANDS, *_VERBOSE, *SHOW):
        raise UsageError(
            f'unknown option "{name}"', "options of the program go after --; see reaper --help"
        )
    if equals:
        raise UsageError(f"{name} takes no value", f"write {name} alone")
    return name, "1"


def _letters(word: str, rest: list[str]) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    for position, letter in enumerate(word[1:], 2):
        name = f"-{letter}"
        option = _SHORT.get(name)
        if option and option.metavar:
            attached = word[position:]
            return [*words, (name, attached or _value(name, option, rest))]
        if option is None and name not in (*_SHORTHANDS, *_VERBOSE, *SHOW):
            raise UsageError(
                f'unknown option "{name}"', "options of the program go after --; see reaper --help"
            )
        words.append((name, "1"))
        if name in SHOW:
            break
    return words


def _value(name: str, option: Option, rest: list[str]) -> str:
    if not rest:
        raise UsageError(f"{name} needs a value", f"write {name} {option.metavar}")
    return rest.pop(0)
