"""Which process was killed for want of memory, as far as the kernel's count can tell."""

import pytest

from reaper.init import cause, proc
from reaper.init.cause import CERTAIN, NOT, PERHAPS, judge
from reaper.init.surroundings import Cgroup, Seen

FACTS = {
    # rise of the count, children that died by KILL, whether others may be counted -> verdict
    (0, 1, False): NOT,
    (0, 1, True): NOT,
    (1, 1, False): CERTAIN,
    (1, 1, True): PERHAPS,
    (1, 2, False): PERHAPS,
    (2, 2, False): CERTAIN,
    (2, 1, False): PERHAPS,
    (-1, 1, False): NOT,
}


@pytest.mark.parametrize(("facts", "verdict"), FACTS.items())
def test_what_a_count_proves(facts: tuple[int, int, bool], verdict: str) -> None:
    assert judge(*facts) == verdict


class Count(Cgroup):
    """Stands in for a cgroup, with the counts that a test gives it."""

    def __init__(self) -> None:
        super().__init__("/nowhere", b"")
        self.kills = 0

    def value(self, counter: str) -> int | None:
        return self.kills if counter == "oom kills" else 64 << 20

    def is_own(self, counter: str) -> bool:
        return True


def process(pid: int, child_faults: int = 0, flags: int = 0, state: str = "Z") -> proc.Process:
    """A line of proc_pid_stat(5)."""
    return proc.Process(
        f"{pid} (m) {state} 1 2 2 0 -1 {flags} 9 {child_faults} 0 0 1 1 1 1 20 0 1 0 42\n".encode()
    )


def seen(pid: int, child_faults: int = 0) -> Seen:
    return Seen(process(pid, child_faults))


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> cause.Kills:
    """A count in a world where no other process exists and no process ignores CHLD."""
    monkeypatch.setattr(proc, "everyone", lambda: iter(()))
    monkeypatch.setattr(proc, "read", lambda _: b"SigIgn: 0")
    found = cause.Kills(Count(), 0, doubtful=False)
    found.is_pid1 = True
    return found


def said(verdict: cause.Verdict) -> str:
    return (verdict.memory and CERTAIN) or verdict.perhaps or NOT


def count(kills: cause.Kills, number: int) -> None:
    assert isinstance(kills.cgroup, Count)
    kills.cgroup.kills = number


ONE = "the kernel has killed 1 process here for want of memory"


def test_a_main_alone_is_certain(kills: cause.Kills) -> None:
    count(kills, 1)
    verdict = kills.ask([2], seen(2), 2, 1)
    assert (verdict.memory, verdict.perhaps) == ("limit 64 MiB, peak 64 MiB", "")


def test_a_main_that_waited_for_a_child_is_not(kills: cause.Kills) -> None:
    count(kills, 1)
    assert said(kills.ask([2], seen(2, child_faults=7), 2, 1)) == ONE


def test_what_was_before_the_last_reading_counts_no_more(kills: cause.Kills) -> None:
    count(kills, 1)
    assert said(kills.ask([5], seen(2, child_faults=7), 2, 1)) == ONE
    assert said(kills.ask([2], seen(2, child_faults=7), 2, 2)) == NOT
    count(kills, 2)
    assert said(kills.ask([2], seen(2, child_faults=7), 2, 3)) == CERTAIN


def test_an_orphan_that_was_reaped_in_between_may_have_waited_for_it(kills: cause.Kills) -> None:
    count(kills, 1)
    assert said(kills.ask([2], seen(2), 2, 2)) == ONE


def test_a_main_that_was_not_seen_may_have_waited(kills: cause.Kills) -> None:
    count(kills, 1)
    assert said(kills.ask([2], None, 2, 1)) == ONE


def test_a_count_read_when_a_child_was_dead_already_has_it_in_it() -> None:
    kills = cause.Kills(Count(), 1, doubtful=True)
    count(kills, 1)
    assert said(kills.ask([2], seen(2), 2, 1)) == ONE


def test_two_dead_and_one_rise(kills: cause.Kills) -> None:
    count(kills, 1)
    assert said(kills.ask([2, 5], seen(2), 2, 2)) == ONE


@pytest.mark.parametrize("flags", [0, 4])
@pytest.mark.parametrize("child_faults", [0, 7])
def test_a_neighbour_that_ends_or_has_waited(
    kills: cause.Kills, monkeypatch: pytest.MonkeyPatch, flags: int, child_faults: int
) -> None:
    neighbour = process(9, child_faults, flags, state="S")
    monkeypatch.setattr(proc, "everyone", lambda: iter([process(2), neighbour]))
    count(kills, 1)
    assert said(kills.ask([2], seen(2), 2, 1)) == (ONE if flags or child_faults else CERTAIN)


def test_a_main_that_ignores_chld_loses_children_unseen(
    kills: cause.Kills, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "read", lambda _: b"SigIgn:\t0000000000010000\n")
    count(kills, 1)
    assert said(kills.ask([2], seen(2), 2, 1)) == ONE


def test_many(kills: cause.Kills) -> None:
    count(kills, 3)
    assert "has killed 3 processes here" in said(kills.ask([2], seen(2), 2, 1))
