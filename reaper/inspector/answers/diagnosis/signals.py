"""Checks of signals and PID 1: does a stop get through, who reaps, what is blocked or ignored."""

from collections.abc import Iterator

from ...reading.procfs import Process
from ..roles import adopted, is_init, is_shell, starts_one
from ..zombies import INIT_HINT, has_signal
from .finding import NOTICE, PIPE, TERM, WARNING, Facts, Finding, called, command_line


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
        f"PID 1 is {command_line(first)}; it has no trap for SIGTERM"
        + (f", and {called(child)} is its child" if child else ""),
        "the kernel drops a signal that PID 1 does not catch, so a stop does nothing until its "
        "timeout, then everything is killed",
        "use the exec form of ENTRYPOINT, begin the last line of the script with exec, or "
        + INIT_HINT,
        (1,),
    )


def no_init(facts: Facts) -> Iterator[Finding]:
    """PID 1 is not an init. A shell has a finding of its own, and it does wait for any child."""
    first = facts.snapshot.by_pid.get(1)
    if first is None or is_init(first) or is_shell(first):
        return
    children = facts.snapshot.children.get(1, ())
    if any(child.stat.zombie for child in children):
        return  # the finding about the zombies says it already
    orphans = [child for child in children if adopted(child, first, facts.snapshot)]
    yield Finding(
        "no-init",
        NOTICE,
        f"PID 1 ({first.stat.comm}) is not an init",
        f"PID 1 is {command_line(first)}"
        + (
            f"; it has adopted {len(orphans)} process{'es' * (len(orphans) > 1)}" if orphans else ""
        ),
        "orphans become children of PID 1, and a program that does not expect them leaves them as "
        "zombies",
        INIT_HINT,
        (1,),
    )


def deaf(facts: Facts) -> Iterator[Finding]:
    """The main program would not notice TERM. A shell has a finding of its own."""
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
        f"{called(main)} {'ignores SIGTERM' if ignores else 'has no handler for SIGTERM'}",
        "so a stop takes its full timeout, then everything is killed"
        if ignores
        else "the kernel drops a signal that PID 1 does not catch, so a stop takes its full "
        "timeout, then everything is killed",
        "let the program handle SIGTERM, or set STOPSIGNAL to a signal that it handles"
        + ("" if ignores else ", or " + INIT_HINT),
        (main.pid,),
    )


def _main(facts: Facts) -> Process | None:
    """The process that a stop is meant for: PID 1, or the main program of the init there."""
    first = facts.snapshot.by_pid.get(1)
    if first is None or not is_init(first):
        return first
    children = facts.snapshot.children.get(1)
    return children[0] if children and starts_one(first) else None


def _hears(process: Process, facts: Facts) -> bool:
    """Whether TERM ends it or reaches it. True if that is not known."""
    if process.status is None or process.status.signals(b"SigCgt") is None:
        return True
    caught = has_signal(process, b"SigCgt", TERM)
    blocked = has_signal(process, b"SigBlk", TERM)  # if nobody fetches it, `masked` reports it
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
            f"{called(process)} blocks SIGTERM",
            "every thread has it in its mask, and none waits for it"
            + ("; one is pending already" if pending else ""),
            "a mask survives fork and exec: whoever started it had SIGTERM blocked",
            "unblock SIGTERM before the program is started; until then only SIGKILL ends it",
            (process.pid,),
        )


def sigpipe(facts: Facts) -> Iterator[Finding]:
    """A shell ignores SIGPIPE. It must have inherited that, unless it has a trap, which is rare."""
    shells = [p for p in facts.snapshot if is_shell(p) and has_signal(p, b"SigIgn", PIPE)]
    if not shells:
        return
    yield Finding(
        "sigpipe",
        NOTICE,
        f"SIGPIPE is ignored in {called(shells[0])}"
        + (f" and {len(shells) - 1} more" if len(shells) > 1 else ""),
        f"{command_line(shells[0])} ignores it, and so does all that it starts",
        "whoever started it ignores SIGPIPE, as Python does, and that is inherited: the left side "
        "of a pipe such as `yes | head` gets errors or never ends",
        "start it with SIGPIPE at its default: in Python subprocess does so, os.system and os.exec "
        "do not; reaper does so for its main program",
        tuple(p.pid for p in shells),
    )
