"""Which processes a kill may hit, and in which steps."""

import pytest
from statline import stat_line

from reaper.inspector.answers.killing import (
    KILL,
    TERM,
    Plan,
    Self,
    chosen,
    forked_meanwhile,
    key,
    plan,
    refusal,
    with_descendants,
)
from reaper.inspector.cli import build
from reaper.inspector.reading.procfs import PF_KTHREAD, Process, Snapshot, parse_stat

ME = Self(50, {40, 30})


def process(pid: int, ppid: int = 1, **others: int | str) -> Process:
    """The process with these fields of its stat line."""
    stat = parse_stat(stat_line(pid, ppid=ppid, **others))
    assert stat
    return Process(stat, hostpid=pid)


@pytest.mark.parametrize(
    ("signal", "grace", "kill", "expected"),
    [
        (None, None, True, Plan(TERM, 5.0, True)),
        (TERM, 0.0, True, Plan(TERM, 0.0, True)),
        (None, None, False, Plan(TERM, 5.0, False)),
        (1, None, True, Plan(1, None, False)),  # HUP alone may mean: reload
        (1, 3.0, True, Plan(1, 3.0, True)),
        (KILL, None, True, Plan(KILL, 5.0, False)),
    ],
)
def test_only_term_or_a_grace_time_asks_for_the_end(
    signal: int | None, grace: float | None, kill: bool, expected: Plan
) -> None:
    assert plan(signal, grace, kill) == expected


@pytest.mark.parametrize(
    ("victim", "outcome"),
    [
        (process(1), "refused"),
        (process(50), "refused"),
        (process(40), "refused"),
        (process(30), "refused"),
        (process(7, flags=PF_KTHREAD), "refused"),
        (process(8, state="Z"), "zombie"),
        (process(9), None),
    ],
)
def test_no_signal_for_pid_1_ourselves_our_ancestors_and_the_dead(
    victim: Process, outcome: str | None
) -> None:
    result = refusal(victim, ME)
    assert (result and result.outcome) == outcome


def test_a_tree_is_parents_first_and_leaves_out_a_child_older_than_its_parent() -> None:
    top, child, grandchild = process(10), process(9, 10, starttime=1), process(12, 9, starttime=2)
    reused = process(20, 12, starttime=1)
    snapshot = Snapshot((child, top, grandchild, reused, process(30)))
    assert [p.pid for p in with_descendants([top], snapshot)] == [10, 9, 12]


def later_rounds(words: str, first: Snapshot, now: Snapshot) -> list[int]:
    """The pids that a second look selects, after those of the first look were signalled."""
    options = build("kill").parse_args(["kill", *words.split()])
    seen = set(map(key, chosen(options, first)))
    return [p.pid for p in forked_meanwhile(options, set(map(key, first)), now, seen)]


@pytest.mark.parametrize("words", ["20", "20 --tree", "--name x --tree"])
def test_a_pid_that_was_given_anew_is_not_hit(words: str) -> None:
    first, now = (
        Snapshot((process(20),)),
        Snapshot((process(20, starttime=9), process(21, 20, starttime=9))),
    )
    assert later_rounds(words, first, now) == []


def test_a_tree_is_followed_below_those_that_still_live() -> None:
    first = Snapshot((process(20), process(21, 20)))
    now = Snapshot((process(21), process(22, 21, starttime=9), process(23, 1, starttime=9)))
    assert later_rounds("20 --tree", first, now) == [22]


def test_a_group_is_joined_until_its_number_is_given_anew() -> None:
    first = Snapshot((process(20, pgrp=20), process(21, 20, pgrp=20)))
    joined = process(22, 21, starttime=9, pgrp=20)
    assert later_rounds("--group 20", first, Snapshot((joined,))) == [22]
    leader = process(20, starttime=8, pgrp=20)
    assert later_rounds("--group 20", first, Snapshot((leader, joined))) == []
