"""How a process ended, as its wait status says, and the exit codes of the init.

The codes are the shell's and coreutils': 127 for a program that is not there, 126 for one that
cannot be executed, 125 for a failure of the init itself, 128+n for a death by signal n.
No system calls here. Wait status: wait(2).
"""

import errno
import posix

OWN_FAILURE = 125
CANNOT_EXECUTE = 126
NOT_FOUND = 127
SIGNAL_BASE = 128


class Ending:
    """How a process ended: by `code` (0 to 255) or by `signal`, perhaps with a core dump."""

    __slots__ = ("code", "core", "signal")

    def __init__(self, code: int | None, signal: int | None = None, core: bool = False) -> None:
        self.code = code
        self.signal = signal
        self.core = core

    @property
    def exit_code(self) -> int:
        """What a shell reports in `$?`."""
        return SIGNAL_BASE + (self.signal or 0) if self.code is None else self.code


def ending(wait_status: int) -> Ending:
    """Decode the wait status of a process that is gone."""
    if posix.WIFSIGNALED(wait_status):
        return Ending(None, posix.WTERMSIG(wait_status), posix.WCOREDUMP(wait_status))
    return Ending(posix.WEXITSTATUS(wait_status))


def exec_failure_code(error: int) -> int:
    """The exit code for a failed exec with this errno: 127 for ENOENT, 126 for all else."""
    return NOT_FOUND if error == errno.ENOENT else CANNOT_EXECUTE
