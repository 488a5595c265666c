"""What the log and the trace say about each event. All texts of the loop are here.

Nothing here decides anything, and no failure here stops the loop: a line that cannot be written is
lost.
"""

import errno
import posix

from reaper import __version__, signals
from reaper.init import journal, launch, proc
from reaper.init import options as opt
from reaper.init.journal import INFO, WARNING, Log
from reaper.init.run import Run
from reaper.signals import describe, name_of
from reaper.status import Ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reaper.init import cause, core
    from reaper.init.jsonlines import Json, Trace
    from reaper.init.surroundings import Seen

SIGKILL, SIGCONT = signals.NUMBERS["SIGKILL"], signals.NUMBERS["SIGCONT"]


class Report:
    """The log and the trace, and what was said before, if later lines refer to it."""

    def __init__(self, run: Run, log: Log, trace: "Trace | None") -> None:
        self.run = run
        self.log = log
        self.trace = trace
        self._denied: set[int] = set()  # signals whose EPERM was logged
        self._said: set[str] = set()
        self._main_name = _comm(run.options.command[0]) if run.options.command else ""
        self._stops: set[int] = set()  # signals that came and were stops
        self._senders: dict[int, str] = {}  # signal that came -> who sent the last one
        self._origins: dict[int, int] = {}  # signal that was forwarded -> signal that had come
        self._last_words = ""  # for the termination log

    # -- start

    def start(self) -> None:
        if not self.trace:
            return
        self.trace.emit(
            "start",
            self.run.pid,
            v=self.trace.version,
            version=__version__,
            argv=self.run.options.command,
            mode=opt.OWN,
            pid1=self.run.is_pid1,
            ppid=self.run.parent_pid,
            uid=posix.getuid(),
            pid_ns=_inode("/proc/self/ns/pid"),
            hz=proc.HZ,
            host=posix.uname().nodename,
        )

    def forked(self, pid: int) -> None:
        if self.trace:
            self.trace.emit("fork", pid, ppid=self.run.pid, pgid=pid, sid=posix.getsid(0))

    def launched(self, failures: list[tuple[str, int]], path: bytes) -> None:
        """Exec is over: main runs, or `exec` is among the failures."""
        command, steps = self.run.options.command, dict(failures)
        failed = steps.pop("exec", 0)
        if self.trace:
            self.trace.emit(
                "exec",
                self.run.main_pid,
                name=_comm(command[0]),
                argv=command,
                error=errno.errorcode.get(failed) if failed else None,
            )
        for step, number in steps.items():
            self.log.debug("setup", f"{step} for main: {posix.strerror(number)}")
        if failed:
            from reaper.init import execfailure  # noqa: PLC0415  seldom needed

            what = f'exec "{command[0]}": {execfailure.explain(command[0], failed, path)}'
            self.log.error("exec", what)
            self._last_words = what

    def cannot_fork(self, error: OSError) -> None:
        full = error.errno in (errno.EMFILE, errno.ENFILE)
        limit = "open files (ulimit -n)" if full else "processes (--pids-limit, ulimit -u)"
        what = f'cannot start "{self.run.options.command[0]}": {_reason(error)}'
        self._last_words = f"{what}; raise the limit on {limit}"
        self.log.error("fork", self._last_words)
        self.say_last_words()

    def not_pid1(self, error: int) -> None:
        if error:
            self.log.warning(
                "subreaper",
                f"not PID 1 and not a subreaper ({posix.strerror(error)}), so orphans will not "
                "come to me; start me as ENTRYPOINT",
            )
        else:
            self.log.debug("subreaper", "not PID 1: made myself a child subreaper")

    def chosen(self) -> None:
        """The options that are not the default, and where each comes from."""
        if told := self.run.options.told():
            self.log.info("options", f"options: {', '.join(told)}")

    def see_main(self, process: proc.Process | None) -> None:
        """Remember main's name, which an exec changes. If `process` is None, keep the old name."""
        if process:
            self._main_name = process.name

    def _main(self) -> str:
        return f"main ({self._main_name}, pid {self.run.main_pid})"

    # -- signals

    def received(self, number: int, sender: int, uid: int, stop: bool) -> None:
        told = self.trace is not None or self.log.level >= journal.DEBUG
        # A sender outside our PID namespace has the number 0, and so has the kernel. We always look
        # who sent a stop, because main's end is reported with that name.
        look = told or stop
        process = proc.process(sender) if sender and look else None
        name = process.name if process else None
        elsewhere = "outside the container" if self.run.is_pid1 else "elsewhere"
        self._senders[number] = who = _called(sender, process) if sender else elsewhere
        if stop:
            self._stops.add(number)
        level = INFO if stop else journal.DEBUG
        if self.log.level >= level:
            self.log.say(level, "signal_received", f"received {describe(number)} from {who}")
        self._signal(number, "received", sender=sender, sender_name=name, sender_uid=uid)

    def parent_ended(self, number: int, parent_pid: int) -> None:
        """Our parent is gone: we act as if it had sent us the signal of --parent-death."""
        self._senders[number] = "our parent's end"
        what = f"our parent ({parent_pid or 'outside'}) is gone: acting as on {describe(number)}"
        self.log.info("parent_death", what)
        self._signal(number, "received", sender=parent_pid)

    def sent(self, action: "core.Send", target: int, result: int) -> None:
        number, received = action.signal, action.received
        if received is not None and not result:
            self._origins[number] = received
        if not result and self.trace is None and self.log.level < INFO:
            return  # nobody is told; most signals end here
        if result == errno.EPERM and number not in self._denied:
            self._denied.add(number)
            what = f"not allowed to send {describe(number)} to {target} (EPERM)"
            self.log.warning("signal_denied", what)
        verb = "sent" if received is None else "forwarded"
        level = INFO if received in self._stops else journal.DEBUG
        if self.log.level >= level:
            was = f"{describe(received)} as " if received not in (None, number) else ""
            refused = f": {errno.errorcode.get(result, result)}" if result else ""
            what = f"{verb} {was}{describe(number)} to {_addressee(target)}{refused}"
            self.log.say(level, "signal_sent", what)
        if isinstance(action.target, int) and number != SIGCONT:  # sent by --adopted end
            self._ended_orphan(target, number)
        self._signal(
            number,
            verb,
            target=target,
            rewritten=name_of(received) if received not in (None, number) else None,
            result=errno.errorcode.get(result) if result else None,
        )

    def _ended_orphan(self, pid: int, number: int) -> None:
        if self.log.level >= INFO:
            who = _called(pid, proc.process(pid))
            self.log.info("end_orphan", f"--adopted end: sent {describe(number)} to orphan {who}")

    def held(self, action: "core.Hold") -> None:
        until = journal.timestamp(action.seconds)
        what = f"--stop-delay holds {describe(action.signal)} back for {action.seconds:g} s"
        self.log.info("signal_held", f"{what}, until {until}")

    def stop_ignored(self, action: "core.Look", there: list[proc.Process]) -> None:
        """Every process that got a stop, or will get it after --stop-delay, ignores it."""
        self.see_main(next((one for one in there if one.pid == self.run.main_pid), None))
        others = len(there) - 1
        who = f"{self._main()} {f'and {others} more ignore' if others else 'ignores'}"
        kill = "" if action.remaining is None else f"; SIGKILL in {action.remaining:.3g} s"
        forced = kill or self.run.options.stop_timeout
        cure = "" if forced else "send another signal with --rewrite, or set --stop-timeout"
        does = "will do" if action.held else "does"
        what = f"{who} {describe(action.signal)}, so this stop {does} nothing{kill}"
        self.once("stop_ignored", f"{what}: {cure}" if cure else what, topic="stop_ignored")

    def still_at_work(self, action: "core.Look", there: list[proc.Process]) -> None:
        """Main still lives some time after a stop; it may be acting on it.

        `there` are the processes that got the stop and live; it is empty if they are not known.
        """
        self.see_main(next((one for one in there if one.pid == self.run.main_pid), None))
        level = INFO if action.remaining is None else WARNING
        kill = "" if action.remaining is None else f", SIGKILL in {action.remaining:.3g} s"
        others = [_called(one.pid, one) for one in there if one.pid != self.run.main_pid]
        beside = f"; with it {', '.join(others)}" if others else ""
        since = f"{action.ago:.3g} s after {describe(action.signal)}"
        self.log.say(
            level, "still_at_work", f"{self._main()} is still at work {since}{kill}{beside}"
        )

    def dropped(self, action: "core.Drop") -> None:
        self.log.debug("signal_dropped", f"dropped {describe(action.signal)}: {action.reason}")
        self._signal(action.signal, "dropped")

    def _signal(self, number: int, direction: str, **fields: "Json | None") -> None:
        if self.trace:
            target = fields.get("target")
            pid = self.run.pid  # of the process that the signal came to
            if isinstance(target, int) and (target > 0 or not self.run.main_is_gone):
                pid = max(target, 0) or self.run.main_pid
            self.trace.emit("signal", pid, signal=name_of(number), direction=direction, **fields)

    def stopped(self, number: int) -> None:
        self.log.info("stop", f"{self._main()} was stopped by {describe(number)}")
        if self.trace:
            self.trace.emit("stop", self.run.main_pid, signal=name_of(number), role="main")

    def continued(self) -> None:
        self.log.info("continue", f"{self._main()} was continued")
        if self.trace:
            self.trace.emit("continue", self.run.main_pid, role="main")

    # -- processes

    def adopt(self, pid: int, process: proc.Process | None) -> None:
        """An orphan came to us and is not reaped yet. `process` is None if it is not known."""
        self.log.debug("adopt", f"adopted {_called(pid, process)}")
        if self.trace:
            known = _identity(process)
            known.pop("ppid", None)  # it is us
            argv = proc.arguments(pid) if process else None
            age = process.age if process else None
            self.trace.emit("adopt", pid, argv=argv or None, age=age, **known)

    def let_go(self, pid: int, number: int, result: int) -> None:
        """A tracee had stopped; `number` is the signal that it goes on with, 0 for none.

        `result` is the errno if it could not be let go. ESRCH: it was killed meanwhile.
        """
        if result not in (0, errno.ESRCH):
            what = "a process made me its tracer, stopped, and cannot be let go"
            cure = f"allow ptrace, or kill it ({posix.strerror(result)})"
            self.once("detach", f"{what}: {cure}")
        if not self.run.looks:
            return
        process = proc.process(pid)
        name = describe(number) if number else "no signal"
        ending = f": {errno.errorcode.get(result, result)}" if result else ""
        who = _called(pid, process)
        self.log.debug("detach", f"{who} made me its tracer: let go with {name}{ending}")
        if self.trace:
            self.trace.emit(
                "detach",
                pid,
                name=process.name if process else None,
                signal=name_of(number) if number else None,
                result=errno.errorcode.get(result) if result else None,
            )

    def exited(self, pid: int, process: proc.Process | None, role: str) -> None:
        """A process was seen as a zombie. The reap event says how it ended."""
        if self.trace:
            self.trace.emit("exit", pid, role=role, **_identity(process))

    def reap(
        self,
        pid: int,
        process: proc.Process | None,
        role: str,
        ending: Ending,
        usage: list[float],
    ) -> None:
        """A process was reaped; `usage` is [user s, system s, max RSS bytes], empty if untraced."""
        what = f"reaped {role} {_called(pid, process)}: {_outcome(ending)}"
        if role == "orphan" and self.run.options.warn_reap:
            self.log.warning("reap", what)
        else:
            self.log.debug("reap", what)
        if self.trace and usage:
            user, system, max_rss = usage
            self.trace.emit(
                "reap",
                pid,
                role=role,
                **_identity(process),
                code=ending.code,
                signal=name_of(ending.signal) if ending.signal else None,
                core=ending.core or None,
                age=process.age if process else None,
                user=user,
                system=system,
                max_rss=int(max_rss),
            )

    def killed_for_memory(
        self, orphans: "dict[int, Seen | None]", verdict: "cause.Verdict"
    ) -> None:
        """The kernel killed, or may have killed, these children; main is not among them."""
        called = (_called(pid, seen.process if seen else None) for pid, seen in orphans.items())
        who = ", ".join(called)
        if verdict.memory:
            what = f"killed by the kernel for want of memory: {who}"
        else:
            one = "this one" if len(orphans) == 1 else "one of these"
            what = f"killed by SIGKILL (9), not by us: {who}; {verdict.perhaps}, perhaps {one}"
        self.log.warning("oom", what)

    def main_ended(
        self, ending: Ending, decided: "core.Core", verdict: "cause.Verdict | None"
    ) -> None:
        """Say how main ended: as a warning, unless it exited or died by a signal that we forwarded.

        An exit is a warning, too, if the kernel may have killed main's command.
        """
        level, by, why = WARNING, "", ", not sent by us"
        if ending.signal is None:
            level, why = INFO, ""
            if verdict and verdict.perhaps:
                level, why = WARNING, f"; {verdict.perhaps}"
        elif ending.signal == SIGKILL and decided.timed_out:
            why = f" by us: it outlived --stop-timeout {self.run.options.stop_timeout:g}"
        elif ending.signal in self._origins:
            level, why = INFO, f", which was forwarded{self._origin(ending.signal)}"
        elif ending.signal == SIGKILL and self.run.killed_by_us(self.run.main_pid):
            why = " by us"
        elif verdict and verdict.memory:
            by, why = " by the kernel", f": out of memory ({verdict.memory})"
        elif verdict and verdict.perhaps:
            why = f", not by us; {verdict.perhaps}, perhaps this one"
        text = ending_text(ending)
        self.log.say(level, "main_ended", f"{self._main()} {text}{by}{why}")
        if not self._last_words:  # the words for a failed exec say more than its exit code
            why = f"{self._stopped_by()}{why}" if ending.signal is None else why
            self._last_words = f"{text.removeprefix('was ')}{why}"

    def _stopped_by(self) -> str:
        """Name the stop that came before main exited, and its sender."""
        for came in self._origins.values():
            if came in self._stops:
                return f" after {describe(came)} from {self._senders.get(came, 'unknown')}"
        return ""

    def say_last_words(self) -> None:
        """Tell Kubernetes why main ended; only once."""
        from reaper.init import surroundings  # noqa: PLC0415  the loop has loaded it

        words, self._last_words = self._last_words, ""
        if words and (trouble := surroundings.last_words(self.run.options.termination_log, words)):
            self.log.warning("termination_log", trouble)

    def _origin(self, forwarded: int) -> str:
        """Who sent a signal that we forwarded, and as which signal it came."""
        received = self._origins[forwarded]
        came_as = "" if received == forwarded else f" for {describe(received)}"
        return f"{came_as} from {self._senders.get(received, 'unknown')}"

    # -- leaving

    def shutdown(self, action: "core.Shutdown", rest: list[proc.Process] | None) -> None:
        from reaper.init import core  # noqa: PLC0415  the loop has loaded it

        if action.phase == core.TERM:
            if rest != []:
                what = f"sent {name_of(action.signal)} to {_remaining(rest)}"
                self.log.info("shutdown", f"main has exited; {what}, SIGKILL in {action.grace:g} s")
        elif action.phase == core.KILL:
            why = "another stop cut --grace short" if action.cut else "it outlived --grace"
            for process in rest or ():
                who = f"{process.pid} ({process.name})"
                self.log.warning("kill", f"killing {who}: {why}")
            if not rest:  # there is no /proc, or it hides the rest
                self.log.warning("kill", f"killing the rest: {why}")
        elif action.outlived:
            for process in rest or ():
                who = _called(process.pid, process)
                state = "is in uninterruptible sleep (state D)" if process.state == "D" else "lives"
                self.log.warning("kill", f"leaving although {who} {state}: it outlived SIGKILL")
        if self.trace:
            grace = action.grace if action.phase == core.TERM else None
            count = len(rest) if rest is not None else None
            self.trace.emit(
                "shutdown", self.run.pid, phase=action.phase, remaining=count, grace=grace
            )

    def end(self, code: int) -> None:
        self.say_last_words()
        if self.trace:
            self.trace.emit(
                "end",
                self.run.pid,
                code=code,
                adopted=self.run.adopted_count,
                reaped=self.run.reaped_count,
                forwarded=self.run.forwarded_count,
                lost=self.trace.told_lost + self.trace.sink.lost,
            )
            if lost := self.trace.sink.lost:  # the trace itself can no longer say so
                what = f"{lost} trace lines lost ({journal.reason(self.trace.sink)})"
                self.log.warning("drop", what)
        self.log.tell_loss()

    # -- troubles

    def once(self, event: str, message: str, topic: str = "") -> None:
        """A warning that is said only once, also if its numbers differ and `topic` is the same."""
        if (topic or message) not in self._said:
            self._said.add(topic or message)
            self.log.warning(event, message)

    def internal_error(self, error: BaseException) -> None:
        place = "?"
        trace = error.__traceback__
        while trace:
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
            trace = trace.tb_next
        what = f"{type(error).__name__}: {error} at {place}"
        self.once("internal_error", f"internal error, please report: {what}")


def _addressee(target: int) -> str:
    """A target of kill(2) in words: `pid 7` for 7, `group 7` for -7, `everybody` for -1."""
    if target == -1:
        return "everybody"
    return f"group {-target}" if target < 0 else f"pid {target}"


def _remaining(rest: list[proc.Process] | None) -> str:
    """How many processes remain, if that is known."""
    if rest is None:
        return "the remaining processes"
    return f"the {len(rest)} remaining processes" if len(rest) > 1 else "the remaining process"


def _outcome(ending: Ending) -> str:
    """`exit code 3`, `killed by SIGSEGV (11), core dumped`."""
    if ending.signal is None:
        return f"exit code {ending.code}"
    return ending_text(ending).removeprefix("was ")


def ending_text(ending: Ending) -> str:
    """`exited with code 3`, `was killed by SIGSEGV (11), core dumped`."""
    if ending.signal is None:
        return f"exited with code {ending.code}"
    return f"was killed by {describe(ending.signal)}{', core dumped' if ending.core else ''}"


def _comm(program: str) -> str:
    """The name that the kernel gives a process: 15 bytes of the last part of its program's path."""
    name = launch.encode(program.rpartition("/")[2])
    return name[:15].decode(errors="surrogateescape")


def _called(pid: int, process: proc.Process | None) -> str:
    return f"{pid} ({process.name})" if process else str(pid)


def _identity(process: proc.Process | None) -> "dict[str, Json | None]":
    if process is None:
        return {}
    return {
        "name": process.name,
        "ppid": process.ppid,
        "pgid": process.pgid,
        "sid": process.sid,
    }


def _inode(path: str) -> int | None:
    try:
        return posix.stat(path).st_ino
    except OSError:
        return None


def _reason(error: OSError) -> str:
    return f"{posix.strerror(error.errno or 0)} ({errno.errorcode.get(error.errno or 0)})"
