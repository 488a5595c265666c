"""What the checks read (`Facts`), what they return (`Finding`), and words that they share.

A finding is four sentences: what is wrong, how we know it, what causes it, and what to do.
"""

from dataclasses import dataclass, field

from ....escape import escaped
from ....signals import NUMBERS
from ...reading.cgroup import Cgroup
from ...reading.procfs import Process, Snapshot
from ...render.style import duration
from ..memory import Sum

TERM, PIPE = NUMBERS["SIGTERM"], NUMBERS["SIGPIPE"]
CRITICAL, WARNING, NOTICE = "critical", "warning", "notice"
SEVERITIES = (CRITICAL, WARNING, NOTICE)


@dataclass(frozen=True)
class Facts:
    """What the checks look at."""

    snapshot: Snapshot  # with status, argv and wchan; short-lived zombies left out
    cgroup: Cgroup = field(default_factory=Cgroup)
    stuck: dict[int, float | None] = field(default_factory=dict)  # pid -> seconds in state D
    deaf: frozenset[int] = frozenset()  # pids that block TERM in all threads and do not fetch it
    sums: tuple[Sum, ...] = ()  # by command, for commands with much RSS


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, in sentences without a full stop."""

    key: str
    severity: str
    title: str
    evidence: str
    cause: str
    cure: str
    pids: tuple[int, ...] = ()


def called(process: Process) -> str:
    return f"{process.stat.comm} ({process.pid})"


def command_line(process: Process) -> str:
    """The command line, short enough for a sentence."""
    command = escaped(process.command)
    return command if len(command) <= 60 else command[:59] + "…"


def age_text(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else duration(seconds)
