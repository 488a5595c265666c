"""The decisions, tested without a process: facts go in, actions come out."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reaper import signals
from reaper.init import core
from reaper.init import options as opt
from reaper.init.core import Core, Drop, GiveTerminal, Leave, Look, Send, Shutdown, StopSelf
from reaper.signals import NUMBERS
from reaper.status import Ending

HUP, INT, QUIT, TERM, USR1, TSTP, TTIN = (
    NUMBERS[f"SIG{name}"] for name in ("HUP", "INT", "QUIT", "TERM", "USR1", "TSTP", "TTIN")
)


def given_options(*words: str) -> opt.Options:
    options = opt.parse([*words, "program"], {})
    assert isinstance(options, opt.Options)
    return options


def told(actions: list[core.Action]) -> list[object]:
    """Actions in short: (signal, target), an exit code, a phase, ..."""
    short: list[object] = []
    for action in actions:
        match action:
            case Send():
                short.append((signals.name_of(action.signal)[3:], action.target))
            case Leave():
                short.append(action.code)
            case Shutdown():
                short.append(action.phase)
            case _:
                short.append(type(action).__name__)
    return short


def machine(*words: str, terminal: bool = False) -> Core:
    return Core(given_options(*words), terminal)


def test_a_signal_goes_to_the_group_and_termination_wakes_it() -> None:
    assert told(machine().on_signal(USR1, 0)) == [("USR1", "group")]
    assert told(machine().on_signal(TERM, 0)) == [("TERM", "group"), ("CONT", "group")]


def test_a_signal_that_was_only_passed_on_takes_the_short_way_next_time() -> None:
    init = machine("-r", "HUP=USR2")
    for number in (USR1, TERM, TSTP, NUMBERS["SIGCONT"], HUP):
        init.on_signal(number, 0)
    short = {number: told([send]) for number, send in init.routes.items()}
    assert short == {USR1: [("USR1", "group")], TSTP: [("TSTP", "group")], HUP: [("USR2", "group")]}
    init.on_main_ended(Ending(0), False, 0)
    assert not init.routes


@pytest.mark.parametrize("scope", ["main", "tree"])
def test_scope(scope: str) -> None:
    assert told(machine("--scope", scope).on_signal(USR1, 0)) == [("USR1", scope)]


def test_rewrite_comes_before_everything_else() -> None:
    assert told(machine("-r", "USR1=QUIT").on_signal(USR1, 0)) == [
        ("QUIT", "group"),
        ("CONT", "group"),
    ]
    assert told(machine("-r", "TERM=USR1").on_signal(TERM, 0)) == [("USR1", "group")]
    assert told(machine("-r", "HUP=").on_signal(HUP, 0)) == ["Drop"]


def test_what_the_policy_does_not_forward() -> None:
    """Not even if an option names the signal."""
    init = machine("--parent-death", "TTIN")
    [drop] = init.on_signal(NUMBERS["SIGTTIN"], 0)
    assert isinstance(drop, core.Drop) and drop.reason == "policy"
    assert init.on_signal(NUMBERS["SIGCHLD"], 0) == []
    assert told(init.on_signal(TERM, 0)) == [("TERM", "group"), ("CONT", "group")]


def test_stop_timeout_counts_from_the_first_termination() -> None:
    init = machine("--stop-timeout", "10")
    init.on_signal(USR1, 0)
    assert init.deadline is None
    init.on_signal(TERM, 5)
    init.on_signal(TERM, 9)
    assert init.kill_main_at == 15
    assert ("KILL", "group") not in told(init.on_deadline(14.9))
    assert told(init.on_deadline(15)) == [("KILL", "group")]
    assert init.timed_out
    assert init.deadline is None


def test_stop_delay_holds_and_a_second_one_cuts_it_short() -> None:
    init = machine("--stop-delay", "10")
    assert told(init.on_signal(TERM, 0)) == ["Hold"]
    assert told(init.on_signal(USR1, 1)) == [("USR1", "group")]
    assert (init.deadline, init.release_at) == (core.LOOK_AFTER, 10)
    assert told(init.on_signal(TERM, 2)) == [("TERM", "group"), ("CONT", "group")]
    assert told(init.on_signal(TERM, 3)) == [("TERM", "group"), ("CONT", "group")]
    init = machine("--stop-delay", "10")
    init.on_signal(TERM, 0)
    terminating = [("TERM", "group"), ("CONT", "group"), ("INT", "group"), ("CONT", "group")]
    assert told(init.on_signal(INT, 1)) == terminating
    init = machine("--stop-delay", "10")
    init.on_signal(TERM, 0)
    assert told(init.on_deadline(1)) == ["Look"]
    assert told(init.on_deadline(10)) == [("TERM", "group"), ("CONT", "group")]


def test_main_alone_leaves_at_once() -> None:
    assert told(machine().on_main_ended(Ending(3), True, 0)) == [3]


def test_the_rest_gets_term_time_and_kill() -> None:
    init = machine("--grace", "5")
    assert told(init.on_main_ended(Ending(3), False, 10)) == [
        "term",
        ("TERM", "rest"),
        ("CONT", "rest"),
    ]
    assert told(init.on_signal(USR1, 11)) == ["Drop"]
    assert told(init.on_deadline(15)) == ["kill", ("KILL", "rest")]
    assert told(init.on_others_remaining()) == [("KILL", "rest")]
    assert told(init.on_nobody_left()) == ["done", 3]


def test_what_cannot_be_killed_does_not_hold_the_init() -> None:
    init = machine()
    init.on_main_ended(Ending(3), False, 0)
    init.on_deadline(5)
    assert told(init.on_deadline(5 + core.KILL_WAIT)) == ["done", 3]


def test_no_grace_leaves_at_once() -> None:
    assert told(machine("--grace", "0").on_main_ended(Ending(3), False, 0)) == [3]


def test_until_empty() -> None:
    init = machine("--until", "empty")
    init.on_signal(HUP, 0)
    assert told(init.on_main_ended(Ending(3), False, 0)) == []
    assert told(init.on_signal(HUP, 1)) == [("HUP", "rest")]
    assert told(init.on_signal(TERM, 2)) == ["term", ("TERM", "rest"), ("CONT", "rest")]
    assert told(init.on_nobody_left()) == ["done", 3]
    stopped = machine("--until", "empty")
    stopped.on_signal(TERM, 0)
    assert told(stopped.on_main_ended(Ending(0), False, 1))[0] == "term"


@pytest.mark.parametrize(
    ("words", "sent"),
    [((), [("TERM", "rest"), ("CONT", "rest")]), (("-rTERM=TSTP",), [("TSTP", "rest")])],
)
def test_a_stop_that_was_held_for_main_is_for_the_rest(
    words: tuple[str, ...], sent: list[object]
) -> None:
    """No CONT follows a TSTP, because it would undo the TSTP."""
    m = machine("--until", "empty", "--stop-delay", "9", *words)
    assert told(m.on_signal(TERM, 0)) == ["Hold"]
    assert told(m.on_main_ended(Ending(0), False, 1)) == []
    assert told(m.on_deadline(8.9)) == [] and told(m.on_deadline(9)) == ["term", *sent]


# What makes a stop, and what does not: (options, the signal that comes).
STOP_CASES = {
    "as it came": ([], TERM),
    "another of the default ones": ([], QUIT),
    "whatever it becomes": (["-rTERM=USR1"], TERM),
    "what it becomes": (["-rUSR1=INT"], USR1),
    "one of our own": (["--stop-signals", "WINCH,USR1"], USR1),
}
NO_STOP_CASES = {
    "a reload": ([], HUP),
    "a plain signal": ([], USR1),
    "a dropped one": (["-rTERM="], TERM),
    "one that was taken out": (["--stop-signals=TERM"], QUIT),
    "rewritten from and to others": (["-rHUP=USR1"], HUP),
}


def is_held_back(words: list[str], number: int) -> bool:
    init = machine("--stop-delay", "9", *words)
    init.on_signal(number, 0)
    return init.held is not None


def starts_the_clock(words: list[str], number: int) -> bool:
    init = machine("--stop-timeout", "9", *words)
    init.on_signal(number, 0)
    return init.kill_main_at == 9


def ends_what_lingers(words: list[str], number: int) -> bool:
    init = machine("--until", "empty", *words)
    init.on_main_ended(Ending(0), False, 0)
    return "term" in told(init.on_signal(number, 1))


def was_meant_for_all(words: list[str], number: int) -> bool:
    """Whether, with --until empty, a stop to main also ends the processes that main leaves."""
    init = machine("--until", "empty", *words)
    init.on_signal(number, 0)
    return "term" in told(init.on_main_ended(Ending(0), False, 1))


@pytest.mark.parametrize(
    "asks", [is_held_back, starts_the_clock, ends_what_lingers, was_meant_for_all]
)
@pytest.mark.parametrize(
    ("words", "number", "stop"),
    [(*case, True) for case in STOP_CASES.values()]
    + [(*case, False) for case in NO_STOP_CASES.values()],
    ids=[*STOP_CASES, *NO_STOP_CASES],
)
def test_everything_asks_one_rule_what_a_stop_is(
    asks: Callable[[list[str], int], bool], words: list[str], number: int, stop: bool
) -> None:
    assert asks(words, number) == stop


def looks(init: Core, *times: float) -> list[tuple[float, float | None, bool]]:
    """The looks at what main does with a stop: (when, seconds to KILL, whether it is the last)."""
    return [
        (time, action.remaining, action.last)
        for time in times
        for action in init.on_deadline(time)
        if isinstance(action, Look)
    ]


def test_what_main_does_with_a_stop_is_looked_at_after_a_second_and_at_half_its_time() -> None:
    for timeout, seen in (
        ("0", [(6, None, True)]),
        ("10", [(6, 9, False), (10, 5, True)]),
        ("1", [(5.5, 0.5, True)]),
    ):
        init = machine("--stop-timeout", timeout)
        init.on_signal(HUP, 1)
        init.on_signal(TERM, 5)
        init.on_signal(INT, 5.1)
        assert looks(init, 5.4, 5.5, 5.9, 6, 9.9, 10, 14.9) == seen


def test_the_first_look_counts_from_when_the_stop_came_also_if_it_is_held() -> None:
    for delay, timeout, seen in (
        ("0.4", "0", [(1, None, True)]),
        ("3", "0", [(1, None, False), (4, None, True)]),
        ("3", "10", [(1, None, False), (4, 9, False), (8, 5, True)]),
    ):
        init = machine("--stop-delay", delay, "--stop-timeout", timeout)
        init.on_signal(TERM, 0)
        assert looks(init, 0.4, 0.9, 1, 3, 3.9, 4, 8, 12) == seen


def test_nobody_looks_for_a_main_that_has_ended() -> None:
    init = machine()
    init.on_signal(TERM, 0)
    init.on_main_ended(Ending(0), nobody_left=False, now=0.5)
    assert looks(init, 1, 2) == []
    init = machine("--stop-delay", "3", "--until", "empty")
    init.on_main_ended(Ending(0), nobody_left=False, now=0)
    init.on_signal(TERM, 1)
    assert looks(init, 2, 3, 4, 5) == []


def test_who_outlives_kill_is_told_of() -> None:
    init = machine()
    init.on_main_ended(Ending(0), nobody_left=False, now=0)
    init.on_deadline(5)
    [done, leave] = init.on_deadline(5 + core.KILL_WAIT)
    assert isinstance(done, Shutdown) and done.outlived and isinstance(leave, Leave)


def test_a_reload_is_neither_held_back_nor_fatal_and_wakes_who_is_stopped() -> None:
    init = machine("--stop-delay", "9", "--stop-timeout", "9")
    assert told(init.on_signal(HUP, 0)) == [("HUP", "group"), ("CONT", "group")]
    assert init.deadline is None


def test_a_stop_while_the_rest_ends_cuts_its_grace_short() -> None:
    init = machine("--grace", "9")
    init.on_signal(TERM, 0)
    init.on_main_ended(Ending(0), False, 1)
    assert told(init.on_signal(TERM, 1.8)) == ["Drop"]  # a stop that is sent twice counts once
    assert told(init.on_signal(HUP, 3)) == ["Drop"]
    assert init.deadline == 10
    killed = init.on_signal(INT, 3)
    assert told(killed) == ["kill", ("KILL", "rest")]
    assert isinstance(killed[0], Shutdown) and killed[0].cut
    assert told(init.on_signal(INT, 3.1)) == ["Drop"]
    assert told(init.on_nobody_left()) == ["done", 0]


def test_the_first_stop_after_an_end_of_its_own_is_for_the_rest() -> None:
    init = machine("--grace", "9", "--rewrite", "INT=QUIT")
    init.on_main_ended(Ending(0), False, 1)
    assert told(init.on_signal(INT, 5)) == [("QUIT", "rest"), ("CONT", "rest")]
    assert init.deadline == 10
    assert told(init.on_signal(INT, 6)) == ["kill", ("KILL", "rest")]


def test_a_stop_that_was_held_back_is_an_earlier_one() -> None:
    init = machine("--grace", "9", "--stop-delay", "9")
    init.on_signal(TERM, 0)
    init.on_main_ended(Ending(0), False, 1)
    assert told(init.on_signal(TERM, 2)) == ["kill", ("KILL", "rest")]


def test_the_stop_that_ends_what_lingers_is_the_first() -> None:
    init = machine("--grace", "9", "--until", "empty")
    init.on_main_ended(Ending(0), False, 1)
    init.on_signal(TERM, 50)
    assert told(init.on_signal(TERM, 50.5)) == ["Drop"]
    assert told(init.on_signal(TERM, 51)) == ["kill", ("KILL", "rest")]


def test_a_terminal_is_taken_when_main_is_gone() -> None:
    """If main's group is dead, the terminal's keys would reach nobody."""
    take = ["TakeTerminal"]
    init = machine(terminal=True)
    assert told(init.on_main_ended(Ending(0), False, 0))[-1:] == take
    assert told(init.on_others_remaining()) == take
    init.on_deadline(5)
    assert told(init.on_others_remaining()) == [("KILL", "rest")]
    assert told(machine("--until=empty", terminal=True).on_main_ended(Ending(0), False, 0)) == take
    assert machine(terminal=True).on_others_remaining() == []


def test_signals_for_the_rest_are_rewritten_and_held_back_as_for_main() -> None:
    m = machine("--until", "empty", "--stop-delay", "9", "--rewrite", "TERM=QUIT")
    m.on_main_ended(Ending(0), False, 1)
    assert told(m.on_signal(NUMBERS["SIGTERM"], 2)) == ["Hold"]
    assert told(m.on_deadline(11)) == ["term", ("QUIT", "rest"), ("CONT", "rest")]
    assert told(m.on_deadline(16)) == ["kill", ("KILL", "rest")]


def test_a_signal_that_main_did_not_live_to_see_is_dropped() -> None:
    m = machine("--stop-delay", "9")
    m.on_signal(NUMBERS["SIGTERM"], 0)
    first, *_ = m.on_main_ended(Ending(0), True, 1)
    assert isinstance(first, Drop) and first.signal == TERM


def test_adopted_kill_at() -> None:
    assert machine().on_adopted(7, 0) == []
    init = machine("--adopted", "end", "--grace", "2")
    assert told(init.on_adopted(7, 0)) == [("TERM", 7), ("CONT", 7)]
    assert told(init.on_adopted(8, 1)) == [("TERM", 8), ("CONT", 8)]
    init.on_reaped(7)
    assert told(init.on_deadline(3)) == [("KILL", 8)]


def test_adopted_end_stands_back_when_everybody_is_told() -> None:
    """Some programs abort at a second TERM, and all of the rest get the same grace."""
    init = machine("--adopted", "end", "--grace", "2")
    init.on_adopted(7, 0)
    init.on_main_ended(Ending(0), nobody_left=False, now=1)
    assert init.on_adopted(8, 1.5) == []
    assert told(init.on_deadline(2)) == []
    assert ("KILL", "rest") in told(init.on_deadline(3))


@pytest.mark.parametrize(
    ("words", "sent", "ending", "code"),
    [
        ([], None, Ending(None, TERM), 143),
        (["-e", "143"], None, Ending(None, TERM), 0),
        (["-e", "stop"], TERM, Ending(None, TERM), 0),
        (["-e", "stop"], INT, Ending(None, TERM), 143),
        (["-e", "stop=4", "-e", "143=5"], TERM, Ending(None, TERM), 4),
        (["-e", "stop"], TERM, Ending(15), 15),
        (["-e", "stop", "-r", "TERM=QUIT"], TERM, Ending(None, QUIT), 0),
    ],
)
def test_exit_code(words: list[str], sent: int | None, ending: Ending, code: int) -> None:
    init = machine(*words)
    if sent:
        init.on_signal(sent, 0)
    assert told(init.on_main_ended(ending, True, 0)) == [code]


def test_stops_follow_main_only_with_a_terminal() -> None:
    assert machine().on_main_stopped(TSTP) == []
    assert [type(action) for action in machine(terminal=True).on_main_stopped(TSTP)] == [StopSelf]


def test_a_refused_stop_wakes_main_after_ctrl_z_only() -> None:
    init = machine(terminal=True)
    on = [GiveTerminal, Send]
    assert [type(action) for action in init.on_resumed(TSTP, stopped=True)] == on
    assert [type(action) for action in init.on_resumed(TSTP, stopped=False)] == on
    assert init.on_resumed(TTIN, stopped=False) == []  # main would stop again at once, for ever
    init.on_signal(TSTP, 0)
    assert init.on_resumed(TSTP, stopped=False) == []  # somebody wanted that stop


FACTS = st.one_of(
    st.tuples(st.just("signal"), st.sampled_from(sorted(signals.ACTIONS))),
    st.tuples(st.just("time"), st.floats(0, 20)),
    st.tuples(st.just("adopt"), st.just(0)),
    st.tuples(st.just("dies"), st.integers(0, 5)),
    st.tuples(st.just("stops"), st.just(TSTP)),
)
WORDS = st.lists(
    st.sampled_from(
        ["--grace=0", "--grace=3", "--stop-timeout=4", "--stop-delay=2", "--until=empty",
         "--adopted=end", "-rTERM=QUIT", "-rHUP=", "--scope=tree", "-c", "-estop=0"]
    ),
    unique=True,
)  # fmt: skip


class World:
    """A kernel of the test's own: living pids, and what the actions do to them."""

    def __init__(self, words: list[str]) -> None:
        self.core = Core(
            given_options(*[word.replace("-r=", "-r").replace("-e=", "-e") for word in words]), True
        )
        self.now = 0.0
        self.main_pid = 100
        self.living = {100}
        self.reaped: set[int] = set()
        self.next_pid = 200
        self.code: int | None = None

    def act(self, actions: list[core.Action]) -> None:
        for action in actions:
            assert self.code is None, "nothing after leaving"
            if isinstance(action, Leave):
                self.code = action.code
            elif isinstance(action, StopSelf):
                self.act(self.core.on_resumed(action.signal, False))
            elif isinstance(action, Send):
                self.check(action)

    def check(self, action: Send) -> None:
        if isinstance(action.target, int):
            assert action.target in self.living, "sent to a reaped pid"
        elif action.target in (core.GROUP, core.MAIN, core.TREE):
            assert self.main_pid in self.living, "main was reaped"

    def die(self, pid: int) -> None:
        self.living.discard(pid)
        self.reaped.add(pid)
        alone = not self.living
        if pid == self.main_pid:
            self.act(self.core.on_main_ended(Ending(5), alone, self.now))
            return
        self.core.on_reaped(pid)
        self.act(self.core.on_nobody_left() if alone else self.core.on_others_remaining())

    def happen(self, kind: str, value: float) -> None:
        if kind == "signal" and signals.ACTIONS[int(value)] in (signals.FORWARD, signals.TERMINATE):
            route = self.core.routes.get(int(value))
            actions = self.core.on_signal(int(value), self.now)
            assert route is None or told(actions) == told([route]), "the short way is another way"
            self.act(actions)
        elif kind == "time":
            self.now += value
            self.act(self.core.on_deadline(self.now))
        elif kind == "adopt" and self.main_pid in self.living:
            self.living.add(self.next_pid)
            self.act(self.core.on_adopted(self.next_pid, self.now))
            self.next_pid += 1
        elif kind == "dies" and self.living:
            self.die(sorted(self.living)[int(value) % len(self.living)])
        elif kind == "stops" and self.main_pid in self.living:
            self.act(self.core.on_main_stopped(int(value)))


@given(WORDS, st.lists(FACTS, max_size=40))
def test_any_history_ends_with_mains_code(
    words: list[str], history: list[tuple[str, float]]
) -> None:
    """In any order of facts the init leaves with main's code, does nothing after that, and sends
    nothing to a reaped pid.
    """
    world = World(words)
    for kind, value in history:
        if world.code is None:
            world.happen(kind, value)
    while world.code is None and world.living:
        world.die(min(world.living))
    assert world.code == 5
    assert world.main_pid in world.reaped
    assert world.core.deadline is None


@given(WORDS, st.lists(FACTS, max_size=20))
def test_deadlines_alone_are_enough_when_main_is_gone(
    words: list[str], history: list[tuple[str, float]]
) -> None:
    """If nobody else ever dies, the init still leaves, unless --until empty makes it wait."""
    world = World(words)
    for kind, value in history:
        if world.code is None and kind != "dies":
            world.happen(kind, value)
    world.die(world.main_pid)
    while world.code is None and world.core.deadline is not None:
        world.now = world.core.deadline
        world.act(world.core.on_deadline(world.now))
    assert world.code == 5 or world.core.phase == core.LINGERING
