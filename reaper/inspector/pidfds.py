"""Sends signals by pidfd, a descriptor that stands for one process whatever becomes of its pid.

It makes no decisions: `killing` says whom to signal, with which signal, and how long to wait.
Sources: pidfd_open(2), pidfd_send_signal(2), poll(2).
"""

import errno
import os
import resource
import select
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

from ..signals import ACTIONS, NUMBERS, TERMINATE
from .answers.killing import Result, still_there
from .errors import UserError
from .reading.procfs import Proc, Process

CONT = NUMBERS["SIGCONT"]


def make_room(count: int) -> None:
    """Raise the soft limit on descriptors so that `count` more fit. Raises UserError."""
    wanted = count + 64
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != soft < wanted:
        if resource.RLIM_INFINITY != hard < wanted:
            raise UserError(f"{count} processes need {wanted} descriptors: raise ulimit -Hn")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_process(pid: int, start: float) -> int | None:
    """A pidfd for the process that has this pid and start time; None if it is gone."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise UserError("this kernel has no pidfds; Linux 5.3 and later have them") from None
        if error.errno == errno.EPERM:
            raise UserError("pidfd_open is not permitted here: seccomp has to allow it") from None
        raise
    # Compare the start time only now that the descriptor is open: until then the pid could be
    # given to another process.
    try:
        same = Proc().process(pid).stat.start == start
    except OSError:
        same = False
    if not same:
        os.close(fd)
    return fd if same else None


class Targets:
    """Processes that are held by pidfds from the start, and what has happened to each so far."""

    def __init__(self, processes: Sequence[Process]) -> None:
        make_room(len(processes))
        self.processes = processes
        self.results: dict[int, Result] = {}
        self.alive: dict[int, Process] = {}  # by descriptor
        self._held: list[int] = []
        self._began = time.monotonic()
        for process in processes:
            fd = open_process(process.hostpid or 0, process.stat.start)
            if fd is None:
                self.results[process.pid] = Result(process, "gone")
            else:
                self.alive[fd] = process
                self._held.append(fd)

    def __enter__(self) -> "Targets":
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._held:
            os.close(fd)

    def send(self, number: int) -> None:
        """Send a signal to all that are alive.

        If the signal ends a program, send CONT, too: a stopped process would not act on it before.
        """
        for fd, process in list(self.alive.items()):
            try:
                signal.pidfd_send_signal(fd, number)
                if ACTIONS[number] == TERMINATE:
                    with suppress(ProcessLookupError):
                        signal.pidfd_send_signal(fd, CONT)
            except ProcessLookupError:
                self._over(fd, Result(process, "gone"))
            except PermissionError:
                self._over(fd, Result(process, "denied", number))

    def wait(self, seconds: float, outcome: str, number: int) -> None:
        """Wait up to `seconds` until all have ended. Those that end meanwhile get `outcome`."""
        poll = select.poll()
        for fd in self.alive:
            poll.register(fd, select.POLLIN)
        deadline = time.monotonic() + seconds
        while self.alive:
            remaining = deadline - time.monotonic()
            for fd, _ in poll.poll(max(0.0, remaining) * 1000):
                poll.unregister(fd)
                took = round(time.monotonic() - self._began, 3)
                self._over(fd, Result(self.alive[fd], outcome, number, took))
            if remaining <= 0:
                break

    def all(self, outcome: str, number: int) -> list[Result]:
        """The results in the order of the processes; `outcome` is for those still alive."""
        for process in self.alive.values():
            state = still_there(self._now(process)) if outcome == "remaining" else ""
            self.results[process.pid] = Result(process, outcome, number, detail=state)
        return [self.results[process.pid] for process in self.processes]

    def _over(self, fd: int, result: Result) -> None:
        self.results[self.alive.pop(fd).pid] = result

    @staticmethod
    def _now(process: Process) -> Process:
        try:
            return Proc().process(process.hostpid or 0, ("wchan",))
        except OSError:
            return process
