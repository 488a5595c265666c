"""Take every child that ended, in batches, and notice the orphans that came to us.

A look at a zombie before it is taken tells who it was (proc(5)); it costs three system calls, so
it is done only where somebody wants to know.
"""

from reaper.init import kernel, proc
from reaper.init.report import Report
from reaper.status import OWN_FAILURE, Ending, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Between two looks at the pending signals: the kernel's cost of a reap grows with the number of
# children, to 0.3 ms in a flood of ten thousand, and a signal may wait 100 ms at the most.
BATCH = 100


class Batch:
    """What one round found. `alone`: no child is left; `full`: there may be more zombies."""

    __slots__ = ("alone", "full", "main", "pids")

    def __init__(self) -> None:
        self.pids: list[int] = []  # reaped, main left out
        self.main: Ending | None = None
        self.alone = False
        self.full = False


class Reaper:
    """Our children: main, and the processes that were adopted."""

    def __init__(self, report: Report, main: int, born: "Iterable[int]") -> None:
        self.report = report
        self.main = main  # pid; 0 when it was reaped
        # Children from before our own exec, as in `sh -c 'helper & exec reaper ...'`.
        self.born = set(born)
        self.adopted: set[int] = set()  # seen and not reaped yet

    def batch(self) -> Batch:
        """Reap up to BATCH children."""
        batch = Batch()
        while len(batch.pids) < BATCH:
            try:
                pid, status = self._reap_looking() if self.report.looks else self._reap()
            except ChildProcessError:
                batch.alone = True
                if self.main:  # reaped, but how it ended was lost on the way
                    self.main, batch.main = 0, Ending(OWN_FAILURE)
                return batch
            if not pid:
                return batch
            self.report.reaped += 1
            if pid == self.main:
                self.main, batch.main = 0, ending(status)
            else:
                batch.pids.append(pid)
        batch.full = True
        return batch

    def _reap(self) -> tuple[int, int]:
        """The pid of a child that ended, 0 for none, and its wait status."""
        pid, status = kernel.reap()
        if pid and self._role(pid) == "orphan" and pid not in self.adopted:
            self.report.adopted += 1
        self._forget(pid)
        return pid, status

    def _reap_looking(self) -> tuple[int, int]:
        """The same, and tell of it."""
        pid = kernel.peek_zombie()
        if not pid:
            return 0, 0
        role = self._role(pid)
        if role == "orphan" and pid not in self.adopted:
            self.report.adopt(pid)
        process = proc.process(pid)
        if process:
            self.report.exited(process, role)
        _, status, *usage = kernel.reap_with_usage(pid) if self.report.trace else kernel.reap(pid)
        self._forget(pid)
        if process:
            self.report.reap(process, role, ending(status), usage)
        return pid, status

    def _role(self, pid: int) -> str:
        return "main" if pid == self.main else "other" if pid in self.born else "orphan"

    def _forget(self, pid: int) -> None:
        """It was reaped: its pid may belong to somebody else from now on."""
        self.adopted.discard(pid)
        self.born.discard(pid)

    def scan(self) -> list[int]:
        """The living orphans that came since the last scan: their coming is not announced."""
        known = self.adopted | self.born | {self.main}
        new = [pid for pid in proc.own_children() if pid not in known]
        for pid in new:
            self.adopted.add(pid)
            self.report.adopt(pid)
        return new
