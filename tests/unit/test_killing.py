"""Whom a kill may hit, and in which steps."""

import pytest

from reaper.inspector.killing import KILL, TERM, Plan, Self, plan, refusal, with_descendants
from reaper.inspector.procfs import PF_KTHREAD, Process, Snapshot, parse_stat

ME = Self(50, {40, 30})


def process(pid: int, ppid: int = 1, state: str = "S", flags: int = 0, start: int = 0) -> Process:
    line = f"{pid} (x) {state} {ppid} 0 0 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 {start} 4096 1 0"
    stat = parse_stat(line.encode())
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
    top, child, grandchild = process(10), process(9, 10, start=1), process(12, 9, start=2)
    reused = process(20, 12, start=1)
    snapshot = Snapshot((child, top, grandchild, reused, process(30)))
    assert [p.pid for p in with_descendants([top], snapshot)] == [10, 9, 12]
