"""What is wrong: facts in, findings out, the worst first. Pure.

One function a finding, all in `CHECKS`. A finding is four sentences: what, how we know, why, and
what to do. A healthy container has none.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..signals import NUMBERS
from .cgroup import Group, Level
from .memory import Sum
from .procfs import Process, Snapshot
from .render.style import duration, printable, size
from .roles import adopted, is_init, is_shell
from .zombies import INIT_HINT, culprits, has_signal

TERM, PIPE = NUMBERS["SIGTERM"], NUMBERS["SIGPIPE"]
CRITICAL, WARNING, NOTICE = "critical", "warning", "notice"
SEVERITIES = (CRITICAL, WARNING, NOTICE)

STORM = 10  # orphans of one command that are no accident any more
PIDS_CLOSE, MEMORY_CLOSE = 0.8, 0.9  # share of the limit
MISLEADING = 64 * 1024 * 1024  # RSS counted twice that somebody would notice


@dataclass(frozen=True)
class Facts:
    """What the checks look at."""

    snapshot: Snapshot  # with status, argv and wchan; short-lived zombies left out
    group: Group = field(default_factory=Group)
    stuck: dict[int, float | None] = field(default_factory=dict)  # pid in D -> seconds it is
    deaf: frozenset[int] = frozenset()  # pids that block TERM in all threads and do not fetch it
    sums: tuple[Sum, ...] = ()  # by command, where RSS is worth a look


@dataclass(frozen=True)
class Finding:
    """Something wrong, in sentences without the full stop."""

    key: str
    severity: str
    title: str
    evidence: str
    cause: str
    cure: str
    pids: tuple[int, ...] = ()


def diagnose(facts: Facts) -> list[Finding]:
    """All findings, the worst first."""
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _called(process: Process) -> str:
    return f"{process.stat.comm} ({process.pid})"


def _command(process: Process) -> str:
    """The command line, short enough for a sentence."""
    command = printable(process.command)
    return command if len(command) <= 60 else command[:59] + "…"


def _age(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else duration(seconds)


def _main(facts: Facts) -> Process | None:
    """The process that a stop is meant for: PID 1, or the main program of the init there."""
    first = facts.snapshot.by_pid.get(1)
    if first is None or first.stat.comm == "systemd":
        return None
    if not is_init(first):
        return first
    children = facts.snapshot.children.get(1)
    return children[0] if children else None


def zombies(facts: Facts) -> Iterator[Finding]:
    """Zombies, and whose fault they are."""
    for culprit in culprits(facts.snapshot):
        count = len(culprit.zombies)
        name = culprit.zombies[0].stat.comm
        yield Finding(
            "zombies",
            CRITICAL if count >= 100 else WARNING,
            f"{count} zombie{'s' if count > 1 else ''} of "
            + (f"PID {culprit.ppid} ({culprit.name})" if culprit.parent else "a hidden parent"),
            f"the oldest, {name} ({culprit.zombies[0].pid}), was started "
            f"{_age(culprit.oldest)} ago; each holds a pid until its parent waits for it",
            culprit.cause,
            culprit.cure,
            tuple(zombie.pid for zombie in culprit.zombies),
        )


def uninterruptible(facts: Facts) -> Iterator[Finding]:
    """Processes in D."""
    for process in facts.snapshot:
        if process.pid not in facts.stuck:
            continue
        since = facts.stuck[process.pid]
        where = process.wchan if process.wchan not in (None, "", "0") else None
        yield Finding(
            "uninterruptible",
            CRITICAL,
            f"{_called(process)} is stuck in the kernel",
            f"state D for {_age(since)}, in {where or 'a function that only root can see'}: "
            f"{_command(process)}",
            "it waits for a disk, a network file system, a frozen control group or a driver; no "
            "signal gets through, KILL included",
            "bring back what it waits for; a restart of the container hangs on it as well",
            (process.pid,),
        )


def shell(facts: Facts) -> Iterator[Finding]:
    """A shell as PID 1 that has no trap for TERM."""
    first = facts.snapshot.by_pid.get(1)
    if first is None or not is_shell(first) or _hears(first, facts):
        return
    child = next(iter(facts.snapshot.children.get(1, ())), None)
    yield Finding(
        "shell-entrypoint",
        WARNING,
        "a shell is PID 1 and does not forward SIGTERM",
        f"PID 1 is {_command(first)}; it has no trap for SIGTERM"
        + (f", and {_called(child)} is its child" if child else ""),
        "the kernel drops a signal that PID 1 does not catch, so a stop does nothing until its "
        "timeout, then everything is killed",
        "use the exec form of ENTRYPOINT, begin the last line of the script with exec, or "
        + INIT_HINT,
        (1,),
    )


def no_init(facts: Facts) -> Iterator[Finding]:
    """PID 1 is no init. A shell is its own finding, and it does wait for whatever comes."""
    first = facts.snapshot.by_pid.get(1)
    if first is None or is_init(first) or is_shell(first):
        return
    children = facts.snapshot.children.get(1, ())
    if any(child.stat.zombie for child in children):
        return  # the zombies are the finding, and say so
    orphans = [child for child in children if adopted(child, first, facts.snapshot)]
    yield Finding(
        "no-init",
        NOTICE,
        f"PID 1 ({first.stat.comm}) is no init",
        f"PID 1 is {_command(first)}"
        + (f"; it has adopted {len(orphans)} processes" if orphans else ""),
        "orphans become children of PID 1, and a program that does not expect them leaves them as "
        "zombies",
        INIT_HINT,
        (1,),
    )


def deaf(facts: Facts) -> Iterator[Finding]:
    """The main program would not notice TERM. A shell is its own finding."""
    main = _main(facts)
    if main is None or main.pid in facts.deaf or _hears(main, facts):
        return
    if main.pid == 1 and is_shell(main):
        return
    ignores = has_signal(main, b"SigIgn", TERM)
    yield Finding(
        "deaf",
        WARNING,
        f"{'PID 1' if main.pid == 1 else 'the main program'} ({main.stat.comm}) would not notice "
        "SIGTERM",
        f"{_called(main)} {'ignores SIGTERM' if ignores else 'has no handler for SIGTERM'}",
        "so a stop takes its full timeout, then everything is killed"
        if ignores
        else "the kernel drops a signal that PID 1 does not catch, so a stop takes its full "
        "timeout, then everything is killed",
        "let the program handle SIGTERM, or set STOPSIGNAL to a signal that it handles"
        + ("" if ignores else ", or " + INIT_HINT),
        (main.pid,),
    )


def _hears(process: Process, facts: Facts) -> bool:
    """Whether TERM ends it or reaches it. True where that is not known."""
    if process.status is None or process.status.signals(b"SigCgt") is None:
        return True
    caught = has_signal(process, b"SigCgt", TERM)
    blocked = has_signal(process, b"SigBlk", TERM)  # fetched by sigwait, or `masked` says so
    ignored = has_signal(process, b"SigIgn", TERM)
    return caught or blocked or (process.pid != 1 and not ignored)


def masked(facts: Facts) -> Iterator[Finding]:
    """TERM is blocked, and nobody fetches it."""
    for process in facts.snapshot:
        if process.pid not in facts.deaf:
            continue
        pending = has_signal(process, b"ShdPnd", TERM)
        yield Finding(
            "masked",
            WARNING,
            f"{_called(process)} blocks SIGTERM",
            "every thread has it in its mask, and none waits for it"
            + ("; one is pending already" if pending else ""),
            "a mask survives fork and exec: whoever started it had SIGTERM blocked",
            "unblock SIGTERM before the program is started; until then only SIGKILL ends it",
            (process.pid,),
        )


def storm(facts: Facts) -> Iterator[Finding]:
    """Many orphans of one command: a master died and left its workers."""
    snapshot = facts.snapshot
    first = snapshot.by_pid.get(1)
    groups: dict[str, list[Process]] = {}
    for child in snapshot.children.get(1, ()):
        if not (child.stat.zombie or child.stat.kernel):
            groups.setdefault(child.stat.comm, []).append(child)
    for name, group in groups.items():
        masters = [p for p in snapshot if p.stat.comm == name and _leads(p, name, snapshot)]
        orphans = [
            p
            for p in group
            if adopted(p, first, snapshot) or any(m.stat.start > p.stat.start for m in masters)
        ]
        orphans = [p for p in orphans if p not in masters]
        if len(orphans) < STORM:
            continue
        again = masters[0] if masters else None
        yield Finding(
            "orphan-storm",
            CRITICAL,
            f"{len(orphans)} processes named {name} were left behind by their parent",
            f"all have PPID 1; the oldest is {_age(orphans[0].age)} old"
            + (f", and {_called(again)} with its own workers is younger" if again else ""),
            "their master died and nobody ended its workers"
            + ("; it was started again, and started new ones beside them" if again else ""),
            f"end them: reaperctl kill --parent 1 --name '^{name}$'; then find out what killed the "
            "master, and restart the container with it instead of the master alone",
            tuple(p.pid for p in orphans),
        )


def _leads(process: Process, name: str, snapshot: Snapshot) -> bool:
    """Whether it has children of its own name."""
    return process.pid != 1 and any(
        child.stat.comm == name for child in snapshot.children.get(process.pid, ())
    )


def sigpipe(facts: Facts) -> Iterator[Finding]:
    """SIGPIPE ignored in a shell: it cannot have done that itself but by a rare trap."""
    found = [p for p in facts.snapshot if is_shell(p) and has_signal(p, b"SigIgn", PIPE)]
    if not found:
        return
    yield Finding(
        "sigpipe",
        NOTICE,
        f"SIGPIPE is ignored in {_called(found[0])}"
        + (f" and {len(found) - 1} more" if len(found) > 1 else ""),
        f"{_command(found[0])} and all that it starts",
        "whoever started it ignores SIGPIPE, as Python does, and that is inherited: the left side "
        "of a pipe such as `yes | head` gets errors or never ends",
        "start it with SIGPIPE at its default: in Python subprocess does so, os.system and os.exec "
        "do not; reaper does so for its main program",
        tuple(p.pid for p in found),
    )


def pids_limit(facts: Facts) -> Iterator[Finding]:
    """The pids limit is close."""
    level = facts.group.pids
    if level.share is None or level.share < PIDS_CLOSE:
        return
    dead = sum(p.stat.zombie for p in facts.snapshot)
    yield Finding(
        "pids-limit",
        CRITICAL,
        f"the pids limit is close: {level.used} of {level.limit}",
        f"{round(level.share * 100)} % of the limit"
        + (f"; {dead} of them are zombies" if dead else ""),
        "threads and zombies count, too; at the limit every fork fails with EAGAIN",
        "reap the zombies, see above"
        if dead
        else "find who starts so many (reaperctl tree), or "
        "raise the limit (docker run --pids-limit)",
    )


def memory_limit(facts: Facts) -> Iterator[Finding]:
    """The memory limit is close, page cache not counted: the kernel takes that back first."""
    level = facts.group.memory
    cache = facts.group.cache or 0
    if level.used is None or level.limit is None:
        return
    held = Level(max(0, level.used - cache), level.limit)
    if (held.share or 0) < MEMORY_CLOSE:
        return
    yield Finding(
        "memory-limit",
        CRITICAL,
        f"the memory limit is close: {size(held.used or 0)} of {size(level.limit)}",
        f"{round((held.share or 0) * 100)} % of the limit, page cache not counted"
        + (f"; the peak was {size(level.peak)}" if level.peak else ""),
        "at the limit the kernel kills a process of this container",
        "see who holds it (reaperctl mem --by-command), or raise the limit (docker run --memory)",
    )


def oom_kills(facts: Facts) -> Iterator[Finding]:
    """The kernel has killed for want of memory."""
    count = facts.group.oom_kills
    if not count:
        return
    limit = facts.group.memory.limit
    yield Finding(
        "oom-kills",
        CRITICAL,
        f"the kernel killed {count} process{'es' if count > 1 else ''} here: out of memory",
        f"oom_kill is {count} in this control group"
        + (f", whose limit is {size(limit)}" if limit else ""),
        "more memory was wanted than the limit allows, and the kernel chose a victim",
        "see who holds it (reaperctl mem --by-command), or raise the limit (docker run --memory)",
    )


def rss_misleads(facts: Facts) -> Iterator[Finding]:
    """Summed RSS counts shared pages again and again."""
    for one in facts.sums:
        if one.known < 2 or one.twice < MISLEADING or one.memory.rss < 2 * one.memory.pss:
            continue
        yield Finding(
            "rss-misleads",
            NOTICE,
            f"the RSS of {one.known} {one.name} processes adds up to {size(one.memory.rss)}, "
            f"but they hold {size(one.memory.pss)}",
            f"RSS {size(one.memory.rss)}, PSS {size(one.memory.pss)}, USS {size(one.memory.uss)}",
            "they were forked from one another and share pages, which RSS counts for each of them",
            "sum up PSS instead (reaperctl mem --by-command) before you raise a limit",
        )


Check = Callable[[Facts], Iterable[Finding]]
# In this order within one severity.
CHECKS: tuple[Check, ...] = (
    oom_kills, memory_limit, pids_limit, zombies, uninterruptible, storm,
    shell, deaf, masked, no_init, sigpipe, rss_misleads,
)  # fmt: skip
