"""Who died by a KILL that we did not send: was it the kernel, for want of memory?

The kernel counts whom it kills for want of memory (cgroups(7), `oom_kill`) and does not say who
it was. It counts before it kills, so a count that is read after a reap has the dead one in it. Who
else may have been counted since the last reading decides what can be said for certain.
Loaded when such a process was reaped.
"""

import posix

from reaper.init import proc
from reaper.init.surroundings import Cgroup, Seen, memory

NOT, PERHAPS, CERTAIN = "not", "perhaps", "certain"


def judge(rise: int, died: int, others: bool) -> str:
    """Whether the kernel killed those that died by KILL since the last reading of its count.

    `died` is how many they are, `rise` is by how much the count rose, and `others` is true where
    somebody else may be counted in it.
    """
    if rise <= 0:
        return NOT
    return CERTAIN if rise == died and not others else PERHAPS


class Verdict:
    """What may be said of those that died: one of the two, or nothing."""

    __slots__ = ("memory", "perhaps")

    def __init__(self, certainty: str, kills: int, cgroup: Cgroup) -> None:
        """`kills` is how many the kernel killed here since our start."""
        self.memory = memory(cgroup) if certainty == CERTAIN else ""
        processes = "1 process" if kills == 1 else f"{kills} processes"
        told = f"the kernel has killed {processes} here for want of memory"
        self.perhaps = told if certainty == PERHAPS else ""


class Kills:
    """The kernel's count, and what the last reading of it was compared with."""

    def __init__(self, cgroup: Cgroup, first: int, doubtful: bool) -> None:
        """`first` is the count at our start; `doubtful`: a child may have died before that."""
        self.cgroup = cgroup
        self.first = self.last = 0 if doubtful else first
        self.pid = posix.getpid()
        self.is_pid1 = self.pid == 1
        self.doubtful = doubtful
        self.reaped_count = 0
        self.child_faults = 0  # of main

    def ask(self, died: list[int], main: Seen | None, main_pid: int, reaped_count: int) -> Verdict:
        """Read the count for those of our children that `died` by a KILL that was not ours.

        `main` is what was seen of it when it was a zombie, or now where it lives; `main_pid` is 0
        where it was reaped earlier.
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
        """Whether somebody else is here who is about to end, or who waited for a child."""
        members = set() if self.is_pid1 else self.cgroup.members()
        for process in proc.everyone():
            near = self.is_pid1 or process.pid in members or process.ppid in members
            if not near or process.pid in (main_pid, self.pid):
                continue
            if process.is_ending or _lost_children(Seen(process), 0):
                return True
        return False


def _lost_children(seen: Seen | None, faults: int) -> bool:
    """Whether a child of it may have ended since its `child_faults` were so many."""
    return seen is not None and (seen.ignores_chld or seen.process.child_faults > faults)
