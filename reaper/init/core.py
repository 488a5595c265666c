"""The decisions: what to do about what happened. No system call is made and no clock read here.

`Core` is told facts (a signal came, main ended, a deadline passed) with the time, and answers with
a list of actions, which `loop` carries out. The rules are in the README:
Signals, Exit codes, How the times add up.

What a fact leads to in each phase; `->` names the phase that follows:

    fact            RUNNING              LINGERING            TERM                 KILL
    a signal        to main, as --scope  to the rest          dropped              dropped
    a stop          the same; the first  -> TERM, by this     to the rest if it    dropped
                    waits --stop-delay   signal               is the first; later
                                                              -> KILL
    main ended,     -> GONE              (main is gone)
      nobody left
    main ended,     -> TERM; if nobody
      others left   asked for a stop
                    and --until empty
                    -> LINGERING
    nobody left     (main is there)      -> GONE              -> GONE              -> GONE
    deadline        see what main does   -                    -> KILL              -> GONE
                    with the stop; KILL
                    to the group
    adopted         TERM, then KILL      as in RUNNING        -                    KILL again
                    (--adopted end)

    -> TERM sends TERM and CONT to the rest; with --grace 0 it is the same as -> GONE. -> KILL sends
    KILL to the rest. -> GONE leaves with main's exit code.

A signal that came in is a stop if it is one of --stop-signals, or if --rewrite turns it into one of
them. It is not a stop if --rewrite drops it. `Core.is_stop` is the one place that decides this.
"""

from reaper import signals
from reaper.init import options as opt
from reaper.signals import NUMBERS
from reaper.status import Ending

SIGKILL, SIGTERM, SIGCONT = NUMBERS["SIGKILL"], NUMBERS["SIGTERM"], NUMBERS["SIGCONT"]
SIGTSTP = NUMBERS["SIGTSTP"]

# Targets of a signal, beside a pid.
GROUP = opt.GROUP  # main's process group
MAIN = opt.MAIN
TREE = opt.TREE  # every descendant
REST = "rest"  # everybody whom the init is responsible for, main left out

# Phases.
RUNNING = "running"  # main runs
LINGERING = "lingering"  # main is gone, --until empty
TERM = "term"  # the rest was told to end
KILL = "kill"  # the rest was killed
GONE = "gone"

SHUTTING_DOWN = "shutting down"  # why a signal is dropped then

# How long to wait until killed processes are gone. Only uninterruptible sleep takes that long.
KILL_WAIT = 1.0  # seconds
# How long main may take to act on a stop before we check whether it ignores the stop.
LOOK_AFTER = 1.0  # seconds
# Only after this time does another stop cut the grace short, so that a stop which is sent twice at
# once counts as one. People wait a second after their first stop. The rest was told to end a bit
# later than that, because main took some time to end, so this is a bit less than a second.
IMPATIENT_AFTER = 0.9  # seconds after the rest was told to end

# A CONT sent right after one of these would undo it: signal(7), POSIX 2.4.1.
_UNDONE_BY_CONT = {NUMBERS[name] for name in ("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")}


class Send:
    """Send a signal; `received` is the signal that came in, None if the init decided to send it."""

    __slots__ = ("received", "signal", "target")

    def __init__(self, signal: int, target: str | int, received: int | None = None) -> None:
        self.signal = signal
        self.target = target
        self.received = received


class Drop:
    """Do not send the signal on, and say why."""

    __slots__ = ("reason", "signal")

    def __init__(self, signal: int, reason: str) -> None:
        self.signal = signal
        self.reason = reason


class Hold:
    """A stop came: hold it back for `seconds`, as --stop-delay says."""

    __slots__ = ("seconds", "signal")

    def __init__(self, signal: int, seconds: float) -> None:
        self.signal = signal
        self.seconds = seconds


class Look:
    """Check what becomes of a stop that main was sent `ago` seconds ago, or that is still held.

    `remaining` is how many seconds are left until --stop-timeout kills main's group, None without
    --stop-timeout or as long as the stop is held. `last` is true if no other look follows.
    """

    __slots__ = ("ago", "held", "last", "remaining", "signal")

    def __init__(
        self, signal: int, ago: float, remaining: float | None, last: bool, held: bool = False
    ) -> None:
        self.signal = signal
        self.ago = ago
        self.remaining = remaining
        self.last = last
        self.held = held  # --stop-delay holds the stop back


class StopSelf:
    """Main was stopped by `signal`: stop, too, so that the shell that started us sees it."""

    __slots__ = ("signal",)

    def __init__(self, signal: int) -> None:
        self.signal = signal


class GiveTerminal:
    """Make main's group the foreground group again, if ours holds the foreground."""

    __slots__ = ()


class TakeTerminal:
    """If nobody of main's group lives, make ours the foreground group, so that we get a Ctrl-C."""

    __slots__ = ()


class Shutdown:
    """A phase of the shut-down begins: `term`, `kill` or `done`.

    `signal` is the signal that `term` sends, and `grace` is the time that it gives, in seconds.
    `cut` is true if another stop cut the grace short. `outlived` is true if the init leaves
    although a process may have outlived KILL.
    """

    __slots__ = ("cut", "grace", "outlived", "phase", "signal")

    def __init__(
        self,
        phase: str,
        grace: float = 0.0,
        signal: int = 0,
        cut: bool = False,
        outlived: bool = False,
    ) -> None:
        self.phase = phase
        self.grace = grace
        self.signal = signal
        self.cut = cut
        self.outlived = outlived


class Leave:
    """The init ends with this exit code."""

    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code


Action = Send | Drop | Hold | Look | StopSelf | GiveTerminal | TakeTerminal | Shutdown | Leave


class Core:
    """What is remembered between two facts. Times are seconds on a clock that never goes back."""

    def __init__(self, options: opt.Options, terminal: bool = False) -> None:
        self.options = options
        self.terminal = terminal
        self.phase = RUNNING
        self.main_ending: Ending | None = None
        self.forwarded: set[int] = set()
        # Signal that may come -> the one action that `on_signal` would answer with, and nothing
        # else would change. A signal enters when it was forwarded once; main's end empties this.
        self.routes: dict[int, Send] = {}
        self.timed_out = False  # --stop-timeout killed main's group
        self.stops = 0  # how many came in
        # What --stop-delay holds back: the signal to send, and the one that came.
        self.held: tuple[int, int] | None = None
        self.delayed = False
        self.release_at: float | None = None
        self.kill_main_at: float | None = None
        self.stop_sent = 0, 0.0  # the first stop that was sent to main, and when
        self.look_at: float | None = None
        self.phase_ends_at: float | None = None
        self.rest_told_at = 0.0  # when the phase TERM began
        self.adopted_kill_at: dict[int, float] = {}  # pid -> when to KILL it; in order of time

    @property
    def deadline(self) -> float | None:
        """When `on_deadline` wants to be called next."""
        first = next(iter(self.adopted_kill_at.values()), None)
        times = (self.release_at, self.look_at, self.kill_main_at, self.phase_ends_at, first)
        return min([time for time in times if time is not None], default=None)

    @property
    def exit_code(self) -> int:
        """Main's exit code as `--expect` maps it; main must be gone."""
        assert self.main_ending
        expect = self.options.expect
        if self.main_ending.signal in self.forwarded and opt.STOP in expect:
            return expect[opt.STOP]
        return expect.get(self.main_ending.exit_code, self.main_ending.exit_code)

    def on_signal(self, received: int, now: float) -> list[Action]:
        """A signal came, or our parent's end, which counts as the signal of --parent-death."""
        policy = signals.ACTIONS[received]
        if policy == signals.IGNORE:
            return [Drop(received, "policy")]
        return [] if policy == signals.REAP else self._on_forwardable(received, now)

    def _on_forwardable(self, received: int, now: float) -> list[Action]:
        number = self.options.rewrite.get(received, received)
        if number == opt.DROP:
            return [Drop(received, "--rewrite")]
        stop = self.is_stop(received)
        self.stops += stop
        if self.phase not in (RUNNING, LINGERING):
            return self._hurry(number, received, now) if stop else [Drop(received, SHUTTING_DOWN)]
        if not stop:
            return self._forward(number, received, now)
        if self.held:
            says_the_same = number == self.held[0]
            cut = self._release(now)
            # The second stop ends the wait. It is also sent on if it is another signal.
            return cut if says_the_same else cut + self._forward(number, received, now)
        if self.options.stop_delay and not self.delayed:
            self.delayed = True
            self.held = number, received
            self.release_at = now + self.options.stop_delay
            self.look_at = now + LOOK_AFTER if self.phase == RUNNING else None
            return [Hold(received, self.options.stop_delay)]
        return self._forward(number, received, now)

    def is_stop(self, received: int) -> bool:
        """Whether a signal that came asks the container to end; one that is dropped does not."""
        number = self.options.rewrite.get(received, received)
        return number != opt.DROP and bool({received, number} & self.options.stop_signals)

    def _forward(self, number: int, received: int, now: float) -> list[Action]:
        """Send to main as --scope says.

        Once main is gone, send to the rest; a stop then begins their shut-down.
        """
        stop = self.is_stop(received)
        if self.phase == LINGERING:
            send = Send(number, REST, received)
            return self._shut_down(now, send) if stop else [send]
        self.forwarded.add(number)
        send = Send(number, self.options.scope, received)
        actions: list[Action] = _and_wake(send) if is_termination(number) else [send]
        if stop and not self.stop_sent[0]:
            self._watch(number, now)
        # Before a CONT the loop looks whether main was stopped, so it takes the whole way.
        if not stop and len(actions) == 1 and number != SIGCONT:
            self.routes[received] = send
        return actions

    def _watch(self, number: int, now: float) -> None:
        """Main was sent its first stop: note when to check whether main acts on it."""
        self.stop_sent = number, now
        # A look that was to come while the stop was held still comes at its time.
        self.look_at = now + LOOK_AFTER if self.look_at is None else self.look_at
        if timeout := self.options.stop_timeout:
            self.kill_main_at = now + timeout
            self.look_at = min(self.look_at, now + timeout / 2)

    def _look(self, now: float) -> list[Action]:
        """Look at main now, and again when half of --stop-timeout is over, if that is to come.

        The first look comes LOOK_AFTER after the stop came, or when half of --stop-timeout is over
        if that is sooner. If --stop-delay then still holds the stop, another look follows.
        """
        if self.held:
            self.look_at = None  # until main is sent the stop
            return [Look(self.held[0], 0.0, None, last=False, held=True)]
        number, sent = self.stop_sent
        half = sent + self.options.stop_timeout / 2
        self.look_at = half if half > now else None
        remaining = self.kill_main_at and self.kill_main_at - now
        return [Look(number, now - sent, remaining, last=self.look_at is None)]

    def _release(self, now: float) -> list[Action]:
        assert self.held
        (number, received), self.held, self.release_at = self.held, None, None
        return self._forward(number, received, now)

    def _hurry(self, number: int, received: int, now: float) -> list[Action]:
        """A stop came during the shut-down: the first is for the rest, a later one cuts --grace."""
        if self.phase == TERM and self.stops == 1:
            return _and_wake(Send(number, REST, received))
        if self.phase == TERM and now >= self.rest_told_at + IMPATIENT_AFTER:
            return self._kill_rest(now, cut=True)
        return [Drop(received, SHUTTING_DOWN)]

    def on_main_ended(self, ending: Ending, nobody_left: bool, now: float) -> list[Action]:
        """Main was reaped; `nobody_left` is true if the rest is empty."""
        self.main_ending = ending
        self.routes.clear()
        self.kill_main_at = self.look_at = None
        if not nobody_left and self.options.until == opt.EMPTY and not self._was_told_to_stop():
            self.phase = LINGERING  # a stop that is held back will go to the rest
            return self._listen()
        dropped: list[Action] = [Drop(self.held[1], "main has ended")] if self.held else []
        self.held = self.release_at = None
        return dropped + (self._leave() if nobody_left else self._shut_down(now))

    def _was_told_to_stop(self) -> bool:
        """Whether a stop reached main; one that --stop-delay still holds back did not."""
        return self.stops > bool(self.held)

    def on_reaped(self, pid: int) -> None:
        """A child was reaped that is not main: from now on its pid may name another process."""
        self.adopted_kill_at.pop(pid, None)

    def on_nobody_left(self) -> list[Action]:
        """The last process of the rest is gone."""
        return [] if self.phase in (RUNNING, GONE) else self._leave()

    def on_adopted(self, pid: int, now: float) -> list[Action]:
        """A process became our child because its parent died."""
        if self.options.adopted == opt.KEEP or self.phase in (TERM, KILL, GONE):
            return []
        self.adopted_kill_at[pid] = now + self.options.grace
        return [Send(SIGTERM, pid), Send(SIGCONT, pid)]

    def on_main_stopped(self, number: int) -> list[Action]:
        """Main was stopped by a signal."""
        return [StopSelf(number)] if self.terminal and self.phase == RUNNING else []

    def on_resumed(self, number: int, stopped: bool) -> list[Action]:
        """StopSelf is over: we were continued, or (`stopped` is false) the kernel did not stop us.

        The kernel refuses if nobody could continue us (PID 1, an orphaned process group). If main
        was stopped by a Ctrl-Z, we then continue it, or it would stay stopped for ever. If we
        forwarded that SIGTSTP, main stays stopped, because somebody asked for it. After any other
        signal it stays stopped, too: SIGTTIN and SIGTTOU would stop it again at once.
        """
        if stopped or (number == SIGTSTP and number not in self.forwarded):
            return [GiveTerminal(), Send(SIGCONT, GROUP)]
        return []

    def on_deadline(self, now: float) -> list[Action]:
        """Do what is due at `now`."""
        actions: list[Action] = []
        if _due(self.look_at, now):
            actions += self._look(now)
        if _due(self.release_at, now):
            actions += self._release(now)
        if _due(self.kill_main_at, now):
            self.kill_main_at, self.timed_out = None, True
            actions.append(Send(SIGKILL, GROUP))
        for pid in [pid for pid, time in self.adopted_kill_at.items() if time <= now]:
            del self.adopted_kill_at[pid]
            actions.append(Send(SIGKILL, pid))
        if _due(self.phase_ends_at, now):
            actions += self._next_phase(now)
        return actions

    def on_others_remaining(self) -> list[Action]:
        """Children were reaped and others remain, perhaps orphans that those children left us."""
        return [Send(SIGKILL, REST)] if self.phase == KILL else self._listen()

    def _listen(self) -> list[Action]:
        """Once main is gone, a Ctrl-C has to reach us."""
        return [TakeTerminal()] if self.terminal and self.phase in (LINGERING, TERM) else []

    def _shut_down(self, now: float, first: Send | None = None) -> list[Action]:
        """Tell the rest to end, with TERM, or with `first` if a stop came."""
        if not self.options.grace:
            return self._leave()
        self.phase = TERM
        self.held = self.release_at = None
        self.adopted_kill_at.clear()
        self.rest_told_at = now
        self.phase_ends_at = now + self.options.grace
        send = first or Send(SIGTERM, REST)
        begins = Shutdown(TERM, self.options.grace, send.signal)
        return [begins, *_and_wake(send), *self._listen()]

    def _next_phase(self, now: float) -> list[Action]:
        return self._leave(outlived=True) if self.phase == KILL else self._kill_rest(now)

    def _kill_rest(self, now: float, cut: bool = False) -> list[Action]:
        self.phase = KILL
        self.phase_ends_at = now + KILL_WAIT
        return [Shutdown(KILL, cut=cut), Send(SIGKILL, REST)]

    def _leave(self, outlived: bool = False) -> list[Action]:
        begun = self.phase in (TERM, KILL)
        self.phase = GONE
        self.held = self.release_at = self.phase_ends_at = None
        self.adopted_kill_at.clear()
        done: list[Action] = [Shutdown("done", outlived=outlived)] if begun else []
        return [*done, Leave(self.exit_code)]


def is_termination(number: int) -> bool:
    """Whether the policy sends CONT after this signal."""
    return signals.ACTIONS.get(number) == signals.TERMINATE


def _and_wake(send: Send) -> list[Action]:
    """The signal, then CONT: a stopped process acts on TERM only when it is continued."""
    return [send] if send.signal in _UNDONE_BY_CONT else [send, Send(SIGCONT, send.target)]


def _due(time: float | None, now: float) -> bool:
    return time is not None and time <= now
