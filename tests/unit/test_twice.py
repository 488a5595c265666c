"""Two looks: what stays and what passes."""

from collections.abc import Iterable

from statline import stat_line

from reaper.inspector.answers.twice import look_twice
from reaper.inspector.reading.procfs import Process, Snapshot, Status, parse_stat


def process(pid: int, state: str = "S", switches: int = 1, threads: int = 1) -> Process:
    """The process in this state, after so many waits."""
    stat = parse_stat(stat_line(pid, ppid=1, state=state, num_threads=threads))
    assert stat
    return Process(stat, status=Status(b"voluntary_ctxt_switches:\t%d\n" % switches))


def looks(*seen: list[Process]) -> tuple[list[int], set[int], int]:
    """The pids in the last look, the unmoved, and how many looks there were."""
    waiting = list(seen)

    def look(parts: Iterable[str]) -> Snapshot:
        assert tuple(parts) == ("status",)
        return Snapshot(tuple(waiting.pop(0)))

    found = look_twice(look, ("status",), 0, lambda p: p.stat.state in "ZD")
    return [p.pid for p in found.last], found.unmoved, len(seen) - len(waiting)


def test_one_look_is_enough_if_nothing_is_doubtful() -> None:
    assert looks([process(1), process(2)], []) == ([1, 2], set(), 1)


def test_what_waited_or_changed_in_between_has_moved() -> None:
    before = [process(2, "D"), process(3, "D"), process(4)]
    after = [process(2, "D"), process(3, "D", switches=2), process(4, "D")]
    assert looks(before, after) == ([2, 3, 4], {2}, 2)


def test_a_zombie_counts_once_it_was_seen_twice() -> None:
    before = [process(2, "Z"), process(3, "Z", threads=2)]
    after = [process(2, "Z"), process(3, "Z"), process(4, "Z")]
    assert looks(before, after) == ([2], {2}, 2)
