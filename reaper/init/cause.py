"""Processes died by a KILL that we did not send: did the kernel kill them for want of memory?

The kernel counts the processes that it kills for want of memory (`oom_kill` in cgroups(7)) but does
not say which ones. It counts before it kills, so a count that is read after a reap includes the
reaped process. We are certain only if no other process can have been counted since the last
reading. This module is loaded only when such a process was reaped.
"""

import posix

from reaper.init import proc
from reaper.init.surroundings import Cgroup, Seen, memory

NOT, PERHAPS, CERTAIN = "not", "perhaps", "certain"


def judge(rise: int, died: int, others: bool) -> str:
    """Whether the kernel killed the processes that died by KILL since its count was last read.

    `died` is the number of these processes, `rise` is by how much the count rose, and `others` is
    true if the count may include other processes.
    """
    if rise <= 0:
        return NOT
    return CERTAIN if rise == died and not others else PERHAPS


class Verdict:
    """What may be said of those that died: `memory` if certain, `perhaps` if not, or nothing."""

    __slots__ = ("memory", "perhaps")

    def __init__(self, certainty: str, kills: int, cgroup: Cgroup) -> None:
        """`kills` is how many processes the kernel killed here since our start."""
        self.memory = memory(cgroup) if certainty == CERTAIN else ""
        processes = "1 process" if kills == 1 else f"{kills} processes"
        told = f"the kernel has killed {processes} here for want of memory"
        self.perhaps = told if certainty == PERHAPS else ""


class Kills:
    """The kernel's count, and what else was known when it was last read."""

    def __init__(self, cgroup: Cgroup, first: int, doubtful: bool) -> None:
        """`first` is the count at our start. `doubtful`: a child may have died before then."""
        self.cgroup = cgroup
        self.first = self.last = 0 if doubtful else first
        self.pid = posix.getpid()
        self.is_pid1 = self.pid == 1
        self.doubtful = doubtful
        self.reaped_count = 0
        self.child_faults = 0  # main's, at the last reading

    def ask(self, died: list[int], main: Seen | None, main_pid: int, reaped_count: int) -> Verdict:
        """Read the count after children of ours `died` by a KILL that we did not send.

        `main` is what we saw of main: before we reaped it if it has ended, else just now.
        `main_pid` is 0 if main was reaped in an earlier round.
        """
        count = self.cgroup.value("oom kills") or 0
        seen = reaped_count - self.reaped_count == len(died) and (main is not None or not main_pid)
        others = self.doubtful or not seen
        if count > self.last and not others:
            others = _lost_children(main, self.child_faults) or self._neighbours(main_pid)
        certainty = judge(count - self.last, len(died), others)
        self.last, self.reaped_count, self.doubtful = count, reaped_count, False
        self.child_faults = main.process.child_faults if main else self.child_faults
        return Verdict(certainty, count - self.first, self.cgroup)

    def _neighbours(self, main_pid: int) -> bool:
        """Whether another process here, or a child that it waited for, may have been counted."""
        members = set() if self.is_pid1 else self.cgroup.members()
        for process in proc.everyone():
            near = self.is_pid1 or process.pid in members or process.ppid in members
            if not near or process.pid in (main_pid, self.pid):
                continue
            if process.is_ending or _lost_children(Seen(process), 0):
                return True
        return False


def _lost_children(seen: Seen | None, faults: int) -> bool:
    """Whether a child of this process may have ended since its `child_faults` was `faults`."""
    return seen is not None and (seen.ignores_chld or seen.process.child_faults > faults)
