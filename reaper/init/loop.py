"""Main runs: wait -> core -> act, until it is time to leave.

From here on no failure ends the init: it is logged and the loop goes on, because leaving kills the
container.
"""

import gc
import posix
import time

from reaper import signals
from reaper.init import core, journal, kernel, proc, surroundings, typos
from reaper.init import options as opt
from reaper.init.hands import Hands
from reaper.init.launch import DEFAULT_PATH, Launch
from reaper.init.reaping import BATCH, Reaper
from reaper.init.report import Report
from reaper.init.run import Run
from reaper.init.surroundings import Cgroup
from reaper.signals import NUMBERS
from reaper.status import SIGNAL_BASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from reaper.init import cause
    from reaper.init.reaping import Batch

SIGCHLD, SIGKILL = NUMBERS["SIGCHLD"], NUMBERS["SIGKILL"]
ALL = kernel.CATCHABLE
ALL_BUT_CHLD = ALL - {SIGCHLD}
# A write of the journal to a dead reader or a full file sends us these.
FROM_OUR_WRITES = (NUMBERS["SIGPIPE"], NUMBERS["SIGXFSZ"])
KILLED_CODE = SIGNAL_BASE + SIGKILL
FROM_OUTSIDE = (0, 0)  # si_code SI_USER, si_pid 0: sent by a process outside our PID namespace
ENDED = (posix.CLD_EXITED, posix.CLD_KILLED, posix.CLD_DUMPED)
# How often to look whether main's exec is over, and whether processes that entered have ended. Also
# how long to sleep in each round if seccomp does not let us wait for signals.
LOOK_EVERY = 0.1  # seconds
# How long a round may take signals before it reaps and looks at the deadlines.
SIGNALS_FOR = 0.05  # seconds
SCAN_EVERY = 1.0  # seconds between two looks for adopted processes, with --adopted end


class Init:
    """The init at work: its parts, and the order in which they are asked."""

    def __init__(
        self, run: Run, report: Report, terminal: int, born: "Iterable[int]", launched: Launch
    ) -> None:
        """`terminal` is the controlling terminal or -1; `born` are children from before main."""
        self.run = run
        self.report = report
        self.options = run.options
        self.terminal = terminal
        self.launch: Launch | None = launched  # until exec is over
        self.core = core.Core(self.options, terminal=terminal >= 0)
        self.reaper = Reaper(run, report, born)
        self.hands = Hands(run, report, self.core, terminal, self._summary)
        self.waits_for_entered = False  # only processes that are not our children remain
        number = self.options.parent_death
        self.parent_death = 0 if signals.ACTIONS.get(number) == signals.UNCATCHABLE else number
        # Do not wait for a signal: the last batch was full, or a part of the round failed. Nor does
        # the first round wait: no signal tells what happened before our exec.
        self.more = True
        self.cgroup: Cgroup | None = None
        self.oom_kills: int | None = None  # the kernel's count at our start
        self.oom_doubtful = False  # a child may have died before that was read
        self.kills: cause.Kills | None = None  # made when the count is first needed
        self.verdict: cause.Verdict | None = None  # on the batch that was just reaped
        self.killed: dict[int, surroundings.Seen] = {}  # pid -> zombie that died by KILL

    # -- main's start

    def _look_for_exec(self) -> None:
        """Report the exec if it is over.

        Do not wait for that: a child that is stopped before exec still needs our signals.
        """
        if self.launch and self.launch.is_over(0):
            launched, self.launch = self.launch, None
            path = posix.environ.get(b"PATH", DEFAULT_PATH)
            self.report.launched(launched.failures(), path)

    def _keep_nothing_busy(self) -> None:
        """Let go of our folder and of inherited descriptors; read the counts at our start."""
        log, trace = self.report.log, self.report.trace
        keep = {log.sink.fd, self.terminal}
        keep |= {trace.sink.fd} if trace else set()
        keep |= self.launch.descriptors if self.launch else set()
        kernel.close_inherited(keep)
        if error := kernel.change_folder("/"):
            log.debug("setup", f"chdir /: {posix.strerror(error)}")
        if not proc.usable():
            log.info(
                "no_proc", "no /proc of this PID namespace: names and descendants are not known"
            )
        gc.freeze()  # what the start has made stays to the end
        gc.enable()
        self.cgroup = Cgroup()
        self.oom_kills = self.cgroup.value("oom kills")
        self.oom_doubtful = kernel.is_pending(SIGCHLD)
        if log.level >= journal.INFO:
            log.info("start", surroundings.at_start(self.cgroup, self.run.is_pid1))
            self.report.chosen()
        for typo in typos.find(posix.environ):
            log.warning("variable", typo)

    # -- the loop

    def run_forever(self) -> "NoReturn":
        self._try(self._look_for_exec)
        self._try(self._keep_nothing_busy)
        while True:
            self._try(self._step)

    def _try(self, part: "Callable[[], None]") -> None:
        try:
            part()
        except Exception as error:  # leaving would kill the container
            self.report.internal_error(error)
            self.more = True  # no signal will announce again what was not done
            if self.core.phase == core.GONE:
                kernel.leave(self.core.exit_code)
            time.sleep(0.01)

    def _step(self) -> None:
        """Wait. Then take the signals, reap the dead, and do what is due, in this order."""
        info = self._wait()
        if not self.more and not self.run.scans:
            info = self._pass_on(info)
        self.more = False
        # Look before a CONT is forwarded: it would wipe out a stop that we have not seen yet.
        self._try(self._look_for_stop)
        # SIGCHLD only wakes us, and every round reaps. If we reaped when its turn comes, a flood of
        # orphans would hold back the real-time signals behind it, and a flood of SIGUSR1 before it
        # would hold back reaping.
        taken, until = 0, time.monotonic() + SIGNALS_FOR
        while info is not None:
            if info.si_signo != SIGCHLD:
                self._signal(info)
            else:
                self._look_at_dead(info)
            taken += 1
            again = taken < BATCH and time.monotonic() < until
            info = kernel.next_signal(ALL_BUT_CHLD, 0) if again else None
        self._look_for_parent()
        self._look_for_exec()
        self._reap()
        if self.core.deadline is not None:
            self.hands.act(self.core.on_deadline(time.monotonic()))

    def _pass_on(self, info: "kernel.Siginfo | None") -> "kernel.Siginfo | None":
        """Send on the signals that need nothing but that, and return what else came, or None.

        Each takes a wait and a kill(2) instead of a whole round. A whole round comes with the first
        other signal (SIGCHLD announces every end and stop), with a deadline, and after BATCH of
        them.
        """
        for _ in range(BATCH):
            send = self.core.routes.get(info.si_signo) if info else None
            if info is None or send is None or self._is_from_our_write(info):
                break
            self._note_received(info, stop=False)  # no route is a stop
            self.hands.act([send])
            info = self._wait()
        return info

    def _wait(self) -> "kernel.Siginfo | None":
        try:
            return kernel.next_signal(ALL, self._timeout())
        except OSError as error:  # seccomp: we get no signal then, but still see main's end
            text = posix.strerror(error.errno or 0)
            what = f"signals cannot be waited for ({text}): allow rt_sigtimedwait"
            self.report.once("refused", what)
            time.sleep(LOOK_EVERY)
            return None

    def _timeout(self) -> float | None:
        """Seconds to wait for a signal; None: as long as it takes."""
        if self.more:
            return 0
        deadline = self.core.deadline
        pauses = [] if deadline is None else [max(0.0, deadline - time.monotonic())]
        # Look from time to time for what the kernel does not announce: the end of an exec that
        # takes long, the end of a process that is not our child, and an adoption.
        if self.launch or self.waits_for_entered:
            pauses.append(LOOK_EVERY)
        if self.options.adopted == opt.END:
            pauses.append(SCAN_EVERY)
        return min(pauses, default=None)

    def _is_from_our_write(self, info: "kernel.Siginfo") -> bool:
        return info.si_pid == self.run.pid and info.si_signo in FROM_OUR_WRITES

    def _note_received(self, info: "kernel.Siginfo", stop: bool) -> None:
        # 0: sent by the kernel itself (si_code > 0), or from outside our namespace. sigaction(2)
        number, sender = info.si_signo, info.si_pid if info.si_code <= 0 else 0
        self.report.received(number, sender, info.si_uid, stop)

    def _signal(self, info: "kernel.Siginfo") -> None:
        if self._is_from_our_write(info):
            return
        number = info.si_signo
        self._note_received(info, self.core.is_stop(number))
        if number == signals.PARENT_DEATH and (info.si_code, info.si_pid) == FROM_OUTSIDE:
            self._look_for_parent(told=True)
        self.hands.act(self.core.on_signal(number, time.monotonic()))

    def _look_for_parent(self, told: bool = False) -> None:
        """If our parent has changed, act as if the signal of --parent-death had come.

        The kernel tells us by a signal, but we compare parents all the same. It also sends that
        signal when only the thread that forked us ends, and a SIGCONT that comes before we look
        removes it. A parent outside our PID namespace always has the number 0: only then is the
        kernel's signal (`told`) enough. getppid(2), PR_SET_PDEATHSIG(2const).
        """
        if not self.parent_death:
            return
        before, now = self.run.parent_pid, posix.getppid()
        if now != before or (told and now == 0):
            self.run.parent_pid = now
            self.report.parent_ended(self.parent_death, before)
            self.hands.act(self.core.on_signal(self.parent_death, time.monotonic()))

    def _look_for_stop(self) -> None:
        main_pid = self.run.main_pid
        changed = None if self.run.main_is_gone else kernel.stop_or_continue(main_pid)
        if changed is None:
            return
        kind, number = changed
        if kind == kernel.TRAPPED:
            self.reaper.let_go(main_pid, number)
        elif kind == kernel.STOPPED:
            self.report.stopped(number)
            self.hands.act(self.core.on_main_stopped(number))
        else:
            self.report.continued()

    def _reap(self) -> None:
        batch = self.reaper.batch()
        self.more |= batch.full
        for pid in batch.pids:
            self.core.on_reaped(pid)
        self.verdict = None
        if batch.killed or (batch.main_ending and batch.main_ending.exit_code == KILLED_CODE):
            self._try(lambda: self._ask_who_killed(batch))
        nobody_left = batch.no_child_left and self.hands.nobody_left()
        self.waits_for_entered = batch.no_child_left and not nobody_left
        if batch.main_ending:
            self._try(self._look_for_exec)  # a failed exec is reported before main's end
            ending = batch.main_ending
            # If neither main nor its command died by KILL, the verdict is only about orphans.
            verdict = self.verdict if ending.exit_code == KILLED_CODE else None
            actions = self.core.on_main_ended(ending, nobody_left, time.monotonic())
            self._try(lambda: self.report.main_ended(ending, self.core, verdict))
            # While the phase is lingering, the rest may still write to the termination log itself.
            if self.core.phase != core.LINGERING:
                self._try(self.report.say_last_words)
            self.hands.act(actions)
        elif nobody_left:
            self.hands.act(self.core.on_nobody_left())
        elif batch.pids:
            self.hands.act(self.core.on_others_remaining())
        if self.run.scans and not batch.full:
            for pid in self.reaper.scan():
                self.hands.act(self.core.on_adopted(pid, time.monotonic()))
            self.more |= bool(self.reaper.coming)

    def _look_at_dead(self, info: "kernel.Siginfo") -> None:
        """Look at a child that has ended before we reap it, if that matters later.

        SIGCHLD names one child, even if several have ended.
        """
        pid = info.si_pid
        if self.run.is_main(pid) and info.si_code in ENDED:
            self.report.see_main(proc.process(pid))
        killed = info.si_code == posix.CLD_KILLED and info.si_status == SIGKILL
        if killed and self.oom_kills is not None and (seen := surroundings.see(pid)):
            self.killed[pid] = seen

    def _ask_who_killed(self, batch: "Batch") -> None:
        """If we did not send the KILL, find out whether the kernel did, for want of memory."""
        seen, self.killed = self.killed, {}
        died = [pid for pid in batch.killed if not self.run.killed_by_us(pid)]
        # A shell whose command died by KILL exits with that code.
        end = batch.main_ending
        of_command = end is not None and end.code == KILLED_CODE
        if not (died or of_command) or self.cgroup is None or self.oom_kills is None:
            return
        from reaper.init import cause  # noqa: PLC0415  seldom needed

        if self.kills is None:
            self.kills = cause.Kills(self.cgroup, self.oom_kills, self.oom_doubtful)
        main_pid = self.run.main_pid if end or not self.run.main_is_gone else 0
        main = seen.get(main_pid) if end else surroundings.see(main_pid)
        self.verdict = self.kills.ask(died, main, main_pid, self.run.reaped_count)
        orphans = {pid: seen.get(pid) for pid in died if pid != main_pid}
        if orphans and (self.verdict.memory or self.verdict.perhaps):
            self.report.killed_for_memory(orphans, self.verdict)

    def _summary(self) -> str:
        counts = self.run.adopted_count, self.run.reaped_count
        return surroundings.at_end(self.cgroup or Cgroup(), *counts)
