"""Signal names and numbers, and the one table that says what the init does with each signal.

The program, `--help`, the manual page and the tests all read `POLICY`. No system calls here.
Terms and numbers: signal(7).
"""

import _signal

FORWARD = "forward"
TERMINATE = "terminate"
REAP = "reap"
IGNORE = "ignore"
UNCATCHABLE = "uncatchable"

MEANING = {
    FORWARD: "forwarded as it is",
    TERMINATE: "forwarded, then SIGCONT, so that a stopped process can die",
    REAP: "starts a round of reaping, never forwarded",
    IGNORE: "dropped",
    UNCATCHABLE: "never seen by any program",
}

# One row for each standard signal: its name, what the init does with it, and why.
POLICY = (
    ("SIGHUP", TERMINATE, "the terminal hung up; many services reload on it"),
    ("SIGINT", TERMINATE, "Ctrl-C, or an engine's stop signal"),
    ("SIGQUIT", TERMINATE, "Ctrl-\\; the graceful stop of nginx"),
    ("SIGILL", FORWARD, "only when somebody sent it; a fault of our own still kills us"),
    ("SIGTRAP", FORWARD, "only when somebody sent it; a fault of our own still kills us"),
    ("SIGABRT", FORWARD, "only when somebody sent it; a fault of our own still kills us"),
    ("SIGBUS", FORWARD, "only when somebody sent it; a fault of our own still kills us"),
    ("SIGFPE", FORWARD, "only when somebody sent it; a fault of our own still kills us"),
    ("SIGKILL", UNCATCHABLE, "the kernel acts on it"),
    ("SIGUSR1", FORWARD, "the program's own meaning"),
    ("SIGSEGV", FORWARD, "only when somebody sent it; a fault of our own still kills us"),
    ("SIGUSR2", FORWARD, "the program's own meaning"),
    ("SIGPIPE", FORWARD, "unless our own write to a dead log reader caused it"),
    ("SIGALRM", FORWARD, "the program's own meaning"),
    ("SIGTERM", TERMINATE, "docker stop, kubectl delete, systemctl stop"),
    ("SIGSTKFLT", FORWARD, "unused by the kernel"),
    ("SIGCHLD", REAP, "a child of the init ended, stopped or went on"),
    ("SIGCONT", FORWARD, "continues stopped processes"),
    ("SIGSTOP", UNCATCHABLE, "the kernel acts on it"),
    ("SIGTSTP", FORWARD, "Ctrl-Z"),
    ("SIGTTIN", IGNORE, "is about the init's own use of the terminal, or the end of its parent"),
    ("SIGTTOU", IGNORE, "is about the init's own use of the terminal"),
    ("SIGURG", FORWARD, "the program's own meaning"),
    ("SIGXCPU", FORWARD, "only when somebody sent it"),
    ("SIGXFSZ", FORWARD, "unless our own write to a full log file caused it"),
    ("SIGVTALRM", FORWARD, "the program's own meaning"),
    ("SIGPROF", FORWARD, "the program's own meaning"),
    ("SIGWINCH", FORWARD, "the terminal's size changed; the graceful stop of Apache"),
    ("SIGIO", FORWARD, "the program's own meaning"),
    ("SIGPWR", FORWARD, "the stop signal of LXC"),
    ("SIGSYS", FORWARD, "only when somebody sent it; a fault of our own still kills us"),
)

# SIGRTMIN to SIGRTMAX follow one rule. 32 and 33 are left out, because they belong to libc, which
# keeps them out of every mask. CPython's signal functions warn when they are given one of the two,
# and writing that warning may block.
REALTIME_REASON = "one for one and in order"
REALTIME = range(_signal.SIGRTMIN, _signal.SIGRTMAX + 1)

NUMBERS: dict[str, int] = {
    name: getattr(_signal, name) for name, _, _ in POLICY if hasattr(_signal, name)
}
ACTIONS: dict[int, str] = {
    NUMBERS[name]: action for name, action, _ in POLICY if name in NUMBERS
} | dict.fromkeys(REALTIME, FORWARD)

# The signal that the init asks the kernel to send when its parent is gone. It is one of those that
# the init ignores.
PARENT_DEATH = NUMBERS["SIGTTIN"]

_NAMES = {number: name for name, number in NUMBERS.items()}
_ALIASES = {"SIGIOT": "SIGABRT", "SIGPOLL": "SIGIO", "SIGCLD": "SIGCHLD"}


def name_of(number: int) -> str:
    """The kernel's name of a signal: `SIGTERM`, `SIGRTMIN+3`; `signal 32` if it has no name."""
    if number in _NAMES:
        return _NAMES[number]
    if number not in REALTIME:
        return f"signal {number}"
    above, below = number - REALTIME[0], REALTIME[-1] - number
    if above <= below:
        return f"SIGRTMIN+{above}" if above else "SIGRTMIN"
    return f"SIGRTMAX-{below}" if below else "SIGRTMAX"


def describe(number: int) -> str:
    """Name and number for messages: `SIGTERM (15)`."""
    return f"{name_of(number)} ({number})"


def parse(text: str) -> int:
    """The number of a signal that is written as `15`, `TERM`, `SIGTERM`, `rtmin+3` or `SIGRTMAX-1`.

    Raises ValueError, with a sentence that names the text, if there is no such signal or if it
    belongs to libc (32, 33).
    """
    number = int(text) if text.isascii() and text.isdigit() else _by_name(text)
    if number not in ACTIONS:
        raise ValueError(
            f'"{text}" is not a signal; use a name such as TERM or a number such as 15'
        )
    return number


def _by_name(text: str) -> int:
    name = text.upper()
    if not name.startswith("SIG"):
        name = "SIG" + name
    name = _ALIASES.get(name, name)
    if name in NUMBERS:
        return NUMBERS[name]
    for base, start, sign in (("SIGRTMIN", REALTIME[0], "+"), ("SIGRTMAX", REALTIME[-1], "-")):
        if name == base:
            return start
        offset = name.removeprefix(base + sign)
        if offset != name and offset.isascii() and offset.isdigit():
            number = start + int(sign + offset)
            return number if number in REALTIME else 0
    return 0
