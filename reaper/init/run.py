"""What all parts of the init steer by: who we are, who main is, what is looked at, the counts.

No text and no system call is made here. `start` makes the one `Run`; whoever notices a change, such
as a child that was reaped, writes it down here.
"""

from reaper import signals
from reaper.init import options as opt
from reaper.init.journal import DEBUG

_SIGKILL = signals.NUMBERS["SIGKILL"]


class Run:
    """One run of the init. Pids are numbers of our PID namespace; 0 is a process outside it."""

    __slots__ = (
        "_killed", "_killed_many", "adopted_count", "forwarded_count", "is_pid1", "looks",
        "main_is_gone", "main_pid", "options", "parent_pid", "pid", "reaped_count", "scans",
    )  # fmt: skip

    def __init__(self, options: opt.Options, pid: int, parent_pid: int) -> None:
        self.options = options
        self.pid = pid
        self.is_pid1 = pid == 1
        self.parent_pid = parent_pid
        # Main's pid, which is also the number of its group. It stays here when main is gone, but
        # then it may be another process's.
        self.main_pid = 0
        self.main_is_gone = False  # main was reaped
        # Whether the options ask for a look at each process that ends, and at each adopted one.
        traced = bool(options.trace)
        self.looks = traced or options.warn_reap or options.log_level >= DEBUG
        self.scans = traced or options.adopted == opt.END
        self.adopted_count = 0
        self.reaped_count = 0
        self.forwarded_count = 0
        self._killed: set[int] = set()  # pids that we sent a KILL to
        self._killed_many = False  # we sent a KILL to a group or to everybody

    def is_main(self, pid: int) -> bool:
        return pid == self.main_pid and not self.main_is_gone

    def note_sent(self, number: int, target: int, received: int | None) -> None:
        """A signal was sent: to `target`, as kill(2) takes it, because `received` had come."""
        self.forwarded_count += received is not None
        if number == _SIGKILL:
            self._killed_many |= target < 0
            self._killed.add(target)

    def killed_by_us(self, pid: int) -> bool:
        """Whether we sent a KILL to this reaped process, or to a group that it may have been in."""
        ours = pid in self._killed or self._killed_many
        if pid != self.main_pid:
            self._killed.discard(pid)  # from now on the pid may name another process
        return ours
