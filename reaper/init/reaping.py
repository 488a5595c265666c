"""Reap every child that ended, in batches, and notice the orphans that came to us.

A look at a zombie before it is reaped tells which process it was (proc(5)). That takes several
system calls, so it is done only if an option asks for it.
"""

from reaper.init import kernel, proc, tracee
from reaper.init.report import SIGKILL, Report
from reaper.init.run import Run
from reaper.status import OWN_FAILURE, Ending, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# How many children are reaped between two looks at the pending signals. The kernel's cost of a reap
# grows with the number of children, to 0.3 ms in a flood of ten thousand, and a signal may wait
# 100 ms at the most.
BATCH = 100


class Batch:
    """What one round found. `full` is true if there may be more zombies."""

    __slots__ = ("full", "killed", "main_ending", "no_child_left", "pids")

    def __init__(self) -> None:
        self.pids: list[int] = []  # reaped, main left out
        self.killed: list[int] = []  # reaped after a death by SIGKILL, main included
        self.main_ending: Ending | None = None
        self.no_child_left = False
        self.full = False


class Reaper:
    """Our children: main, the others, and the orphans."""

    def __init__(self, run: Run, report: Report, born: "Iterable[int]") -> None:
        self.run = run
        self.report = report
        # Children from before our own exec, as in `sh -c 'helper & exec reaper ...'`.
        self.born = set(born)
        self.adopted_pids: set[int] = set()  # orphans that were noticed and not reaped yet
        self.coming: dict[int, None] = {}  # orphans listed and not noticed yet: an ordered set
        self._begun = Batch()

    def batch(self) -> Batch:
        """Reap up to BATCH children.

        If an error ends a call early, the next call also returns what that one had reaped.
        """
        batch = self._begun
        for _ in range(BATCH):
            try:
                if not (self._reap_looking() if self.run.looks else self._reap()):
                    break
            except ChildProcessError:
                batch.no_child_left = True
                if not self.run.main_is_gone:  # it was reaped, but its status was lost on the way
                    self.report.log.warning("main_ended", "how main ended is not known")
                    self.run.main_is_gone, batch.main_ending = True, Ending(OWN_FAILURE)
                break
            except OSError as error:
                if error.errno not in kernel.REFUSED or not self.run.looks:
                    raise
                self.run.looks = False
                self.report.once(
                    "refused", "zombies cannot be looked at: seccomp has to allow waitid"
                )
        else:
            batch.full = True
        self._begun = Batch()
        return batch

    def _reap(self) -> bool:
        """Reap a child that ended, or let a tracee go; False: there is none."""
        pid, status = kernel.reap()
        if not pid:
            return False
        if stop := kernel.stop_in(status):
            self.let_go(pid, stop)
            return True
        if self._role(pid) == "orphan" and pid not in self.adopted_pids:
            self.run.adopted_count += 1
        self._note(pid, status)
        return True

    def _reap_looking(self) -> bool:
        """The same as `_reap`, but look at each child first, and report it."""
        pid, ended = kernel.peek()
        if not pid:
            return False
        if not ended:
            # Take the stop even if the tracee cannot be let go. If we did not, waitid would show
            # this stop again and again, and never the children after it.
            if (found := kernel.stop_or_continue(pid)) and found[0] == kernel.TRAPPED:
                self.let_go(pid, found[1])
            return True
        process = proc.process(pid)
        if process and not process.is_dead:  # only a thread ended, one that we traced
            kernel.reap(pid)
            return True
        role = self._role(pid)
        if role == "orphan" and pid not in self.adopted_pids:
            self.run.adopted_count += 1
            self.report.adopt(pid, process)
        self.report.exited(pid, process, role)
        _, status, *usage = kernel.reap_with_usage(pid) if self.report.trace else kernel.reap(pid)
        self._note(pid, status)
        self.report.reap(pid, process, role, ending(status), usage)
        return True

    def let_go(self, pid: int, stop: int) -> None:
        """Detach from a tracee that has stopped for us, so that it goes on."""
        number = tracee.signal_to_go_on_with(pid, stop)
        self.report.let_go(pid, number, kernel.detach(pid, number))

    def _note(self, pid: int, status: int) -> None:
        """A child was reaped: from now on its pid may name another process."""
        self.run.reaped_count += 1
        self.adopted_pids.discard(pid)
        self.born.discard(pid)
        self.coming.pop(pid, None)
        if status & 0x7F == SIGKILL:  # wait(2): WTERMSIG
            self._begun.killed.append(pid)
        if self.run.is_main(pid):
            self.run.main_is_gone, self._begun.main_ending = True, ending(status)
        else:
            self._begun.pids.append(pid)

    def _role(self, pid: int) -> str:
        return "main" if self.run.is_main(pid) else "other" if pid in self.born else "orphan"

    def scan(self) -> list[int]:
        """Notice up to BATCH of the orphans that came to us; the kernel does not announce them."""
        if not self.coming:
            known = self.adopted_pids | self.born
            own = (pid for pid in proc.own_children() if not self.run.is_main(pid))
            self.coming = dict.fromkeys(pid for pid in own if pid not in known)
        new = [*self.coming][:BATCH]
        for pid in new:
            del self.coming[pid]
            self.adopted_pids.add(pid)
            self.run.adopted_count += 1
            self.report.adopt(pid, proc.process(pid) if self.run.looks else None)
        return new
