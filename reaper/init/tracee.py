"""Decide with which signal a tracee of the init goes on after a stop.

PTRACE_TRACEME does not ask the parent, and programs use it to check for a debugger. The child then
stops for each signal, so that its tracer can decide, and also for signals that ptrace itself makes.
It must get every signal that somebody sent, and none that ptrace made, which would kill it:
ptrace(2).
"""

import posix

from reaper.init import kernel, proc
from reaper.signals import NUMBERS

_SI_USER = 0  # sent by kill(2)


def signal_to_go_on_with(pid: int, stop: int) -> int:
    """The signal, or 0 for none; `stop` is the number from `kernel.stop_or_continue`."""
    origin = kernel.origin_of_stop(pid)
    # A PTRACE_EVENT needs no signal. Nor does a group-stop: it lasts without us.
    if stop > 0xFF or origin is None:
        return 0
    code, sender = origin
    made_by_ptrace = code == _SI_USER and stop in _MADE and _MADE[stop](pid, sender)
    return 0 if made_by_ptrace else stop


def _after_exec(pid: int, sender: int) -> bool:
    """Whether exec made this SIGTRAP. It looks like one that the child sent to itself."""
    just_execed = proc.has_just_execed(pid)
    return sender == pid if just_execed is None else just_execed


def _after_clone(pid: int, sender: int) -> bool:
    """Whether clone made this SIGSTOP.

    With CLONE_PTRACE a tracee's own child is a tracee, too. It starts with a SIGSTOP from nobody.
    """
    process = proc.process(pid)
    return not sender and process is not None and process.ppid != posix.getpid()


# The signals that ptrace itself makes. They have the si_code of a kill(2).
_MADE = {NUMBERS["SIGTRAP"]: _after_exec, NUMBERS["SIGSTOP"]: _after_clone}
