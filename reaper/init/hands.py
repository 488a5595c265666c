"""Carry out what the core decided: one method for each action.

The core names targets (main, the group, the rest); here they become pids. The kernel may refuse a
signal: ESRCH is normal, EPERM is logged once, and neither ends the init.
"""

import errno
import posix

from reaper.init import core, kernel, proc
from reaper.init.journal import INFO
from reaper.init.report import Report
from reaper.init.run import Run

_PASSES = 10  # over the descendants: one may fork while we go through the list
_EVERYBODY = -1  # kill(2), for PID 1 of a namespace only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


class Hands:
    """Carries out actions; `summary` returns the numbers for the last line of the log."""

    def __init__(
        self,
        run: Run,
        report: Report,
        decided: core.Core,
        terminal: int,
        summary: "Callable[[], str]",
    ) -> None:
        self.run = run
        self.report = report
        self.core = decided
        self.terminal = terminal
        self.summary = summary

    def act(self, actions: list[core.Action]) -> None:
        for action in actions:
            if isinstance(action, core.Send):
                self._send(action)
            elif isinstance(action, core.Drop):
                self.report.dropped(action)
            elif isinstance(action, core.Hold):
                self.report.held(action)
            elif isinstance(action, core.Look):
                self._look(action)
            elif isinstance(action, core.StopSelf):
                stopped = kernel.stop_self(action.signal)
                self.act(self.core.on_resumed(action.signal, stopped))
            elif isinstance(action, core.GiveTerminal):
                self._give_terminal()
            elif isinstance(action, core.TakeTerminal):
                self._take_terminal()
            elif isinstance(action, core.Shutdown):
                self.report.shutdown(action, self._remaining(action))
            else:
                self._leave(action.code)

    # -- signals

    def _send(self, action: core.Send) -> None:
        if isinstance(action.target, int):
            self._kill(action, action.target)
        elif action.target in (core.GROUP, core.MAIN):
            self._send_to_main(action)
        elif self.run.is_pid1 and (action.target == core.REST or not proc.usable()):
            self._kill(action, _EVERYBODY)
        elif proc.usable():
            self._send_to_descendants(action)
        else:
            what = "no /proc: descendants outside main's group cannot be reached"
            self.report.once("no_proc", what)
            self._send_to_main(action)

    def _send_to_main(self, action: core.Send) -> None:
        main_pid = self.run.main_pid
        if self.run.main_is_gone:
            # As long as a child of ours is in the group, the number still means main's group.
            if kernel.has_child_in(main_pid):
                self._kill(action, -main_pid)
            return
        if action.target != core.MAIN:
            result = self._kill(action, -main_pid)
            if result != errno.ESRCH and kernel.group_of(main_pid) in (main_pid, 0):
                return
        self._kill(action, main_pid)  # also if main is not yet, or no longer, in its group

    def _send_to_descendants(self, action: core.Send) -> None:
        done: set[int] = set()
        for _ in range(_PASSES):
            new = [process for process in self._rest() if process.pid not in done]
            for process in new:
                done.add(process.pid)
                result = kernel.send_if(process.still_same, process.pid, action.signal)
                self._note_sent(action, process.pid, result)
            if not new:
                break
        for pid in proc.own_children():  # hidepid does not hide these pids
            if pid not in done and proc.process(pid) is None:
                self._kill(action, pid)

    def _look(self, action: core.Look) -> None:
        """Report if all that got a stop ignore it, or if main still works at the last look."""
        there = self._addressed() if proc.usable() else []
        if there and all(proc.ignores(process.pid, action.signal) for process in there):
            self.report.stop_ignored(action, there)
        elif action.last:
            self.report.still_at_work(action, there)

    def _addressed(self) -> list[proc.Process]:
        """The living processes that --scope selects."""
        main_pid, scope = self.run.main_pid, self.run.options.scope
        if scope == core.TREE:
            return proc.descendants(posix.getpid())
        return [
            process
            for process in proc.everyone()
            if process.pid == main_pid or (scope == core.GROUP and process.pgid == main_pid)
            if not process.is_dead
        ]

    def _kill(self, action: core.Send, target: int) -> int:
        result = kernel.send(target, action.signal)
        self._note_sent(action, target, result)
        return result

    def _note_sent(self, action: core.Send, target: int, result: int) -> None:
        if not result:
            self.run.note_sent(action.signal, target, action.received)
        self.report.sent(action, target, result)

    def _remaining(self, action: core.Shutdown) -> list[proc.Process] | None:
        """The rest, if the log or the trace wants it: reading /proc takes time and delays TERM."""
        told = (
            action.phase == core.KILL
            or action.outlived
            or self.report.trace
            or self.report.log.level >= INFO
        )
        return self._rest() if told and proc.usable() else None

    def _rest(self) -> list[proc.Process]:
        """Every living process in our care: our descendants, or everybody else if we are PID 1."""
        if not self.run.is_pid1:
            return proc.descendants(posix.getpid())
        return [process for process in proc.everyone() if process.pid != 1 and not process.is_dead]

    def nobody_left(self) -> bool:
        """Whether the rest is empty; asked when we have no child any more.

        If we are PID 1, the rest is everybody else in the namespace, also a process that entered
        it and is nobody's child here. The kernel's answer also counts zombies that a parent outside
        has yet to reap; /proc tells which these are. If hidepid hides everybody, we assume that
        somebody is there.
        """
        if not self.run.is_pid1 or kernel.send(_EVERYBODY, 0) == errno.ESRCH:
            return True
        others = [other for other in proc.everyone() if other.pid != 1] if proc.usable() else []
        return bool(others) and all(other.is_dead for other in others)

    # -- the terminal

    def _give_terminal(self) -> None:
        """Main gets the foreground, unless a shell continued us in the background and keeps it."""
        if kernel.holds_foreground(self.terminal):
            self._set_foreground(self.run.main_pid)

    def _take_terminal(self) -> None:
        """Take the foreground from main's group, but only if none of its processes lives.

        One that lives may use the terminal while it ends.
        """
        main_pid = self.run.main_pid
        if kernel.foreground(self.terminal) != main_pid or self._lives_in(main_pid):
            return
        if not posix.getpgrp():  # PID 1 can be in a group from outside, which has no number here
            kernel.lead_group()
        self._set_foreground(posix.getpgrp())

    def _lives_in(self, group: int) -> bool:
        if kernel.send(-group, 0) == errno.ESRCH:
            return False
        if not proc.usable():
            return True
        return any(other.pgid == group and not other.is_dead for other in proc.everyone())

    def _set_foreground(self, pgid: int) -> None:
        if error := kernel.give_terminal(self.terminal, pgid):
            self.report.log.debug("terminal", f"tcsetpgrp: {posix.strerror(error)}")

    # -- the end

    def _leave(self, code: int) -> "NoReturn":
        # A script that started us may write to the terminal next, so give our group, which is the
        # script's, the foreground. After a PID 1 there is nobody who could write.
        if not self.run.is_pid1 and kernel.foreground(self.terminal) == self.run.main_pid:
            self._set_foreground(posix.getpgrp())
        self.report.end(code)
        if self.report.log.level >= INFO:  # the summary reads files
            self.report.log.info("leave", f"leaving with exit code {code}: {self.summary()}")
        kernel.leave(code)
