"""With which signal a child goes on that made the init its tracer, and has stopped for it.

PTRACE_TRACEME asks nobody, so anybody's check against debuggers does it. The child then stops for
each signal, to let its tracer decide, and for some of ptrace's own. It shall have every signal that
somebody sent, and none that ptrace made: that would kill it. ptrace(2).
"""

import posix

from reaper.init import kernel, proc
from reaper.signals import NUMBERS

_SI_USER = 0  # sent by kill(2)


def signal_to_go_on_with(pid: int, stop: int) -> int:
    """The signal, or 0; `stop` is as in `kernel.stop_or_continue`."""
    origin = kernel.origin_of_stop(pid)
    # A PTRACE_EVENT, or a stop of the whole group, which lasts without us.
    if stop > 0xFF or origin is None:
        return 0
    code, sender = origin
    made_by_ptrace = code == _SI_USER and stop in _MADE and _MADE[stop](pid, sender)
    return 0 if made_by_ptrace else stop


def _after_exec(pid: int, sender: int) -> bool:
    """It looks like one that the child sent to itself."""
    just_execed = proc.has_just_execed(pid)
    return sender == pid if just_execed is None else just_execed


def _after_clone(pid: int, sender: int) -> bool:
    """With CLONE_PTRACE a tracee's own child is a tracee, too, and starts with a stop by nobody."""
    process = proc.process(pid)
    return not sender and process is not None and process.ppid != posix.getpid()


# The signals of ptrace's own. They come with the si_code of a kill(2).
_MADE = {NUMBERS["SIGTRAP"]: _after_exec, NUMBERS["SIGSTOP"]: _after_clone}
