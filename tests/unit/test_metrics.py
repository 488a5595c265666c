"""Counts for Prometheus, and the counts of a trace."""

import os
from pathlib import Path

import pytest
from statline import stat_line

from reaper.inspector.answers.metrics import Family, exposition, of_snapshot, of_trace
from reaper.inspector.answers.tally import Tally
from reaper.inspector.errors import UserError
from reaper.inspector.reading.procfs import Process, Snapshot, Stat, parse_stat

TRACE = b"""{"event":"adopt","pid":3}
{"event":"reap","pid":3,"role":"orphan"}
{"event":"reap","pid":2,"role":"main"}
{"event":"drop","pid":1,"lines":4}
torn
"""


def test_labels_are_escaped() -> None:
    family = Family("m", "gauge", "Help.", (({"parent": 'a"b\\c\nd'}, 2),))
    expected = '# HELP m Help.\n# TYPE m gauge\nm{parent="a\\"b\\\\c\\nd"} 2\n'
    assert exposition([family]) == expected


def zombie_of(pid: int, comm: bytes) -> tuple[Process, Process]:
    """A parent with this name, and its zombie."""
    parent = parse_stat(stat_line(pid, comm, ppid=0))
    dead = parse_stat(stat_line(pid + 1, state="Z", ppid=pid))
    assert parent and dead
    return Process(parent), Process(dead)


def test_names_that_are_not_utf_8_stay_two_and_equal_ones_are_summed() -> None:
    names = (b"x\xff", b"x\xfe", b"x\xff")
    found = [p for pid, name in enumerate(names) for p in zombie_of(2 + 2 * pid, name)]
    assert [line for line in exposition(of_snapshot(Snapshot(tuple(found)))).splitlines()
            if line.startswith("reaper_parent_zombies{")] == [
        'reaper_parent_zombies{parent="x\\\\xfe"} 1',
        'reaper_parent_zombies{parent="x\\\\xff"} 2',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        '{"event":"reap","role":5}',
        '{"event":"reap","role":null}',
        '{"event":"reap"}',
        '{"event":"drop","lines":1e999}',
        '{"event":"drop","lines":true}',
        '{"event":"drop","lines":"4"}',
        '"event"',
        "[" * 200000,
    ],
)
def test_a_line_that_is_none_of_ours_is_counted_as_torn(line: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text(f'{line}\n{{"event":"drop","lines":-4}}\n')
    tally = Tally(str(trace)).update()
    assert (tally.torn, tally.reaped.total(), tally.lost) == (1, 0, 0)
    assert exposition(of_trace(tally))


def test_a_trace_that_was_replaced_is_read_from_its_start(tmp_path: Path) -> None:
    trace, other = tmp_path / "trace", tmp_path / "other"
    trace.write_bytes(TRACE)
    tally = Tally(str(trace)).update()
    other.write_text('{"event":"adopt","pid":3}\n' * 25)
    other.replace(trace)
    assert (tally.update().adopted, tally.reaped.total()) == (25, 0)


def test_a_trace_may_come_by_a_pipe(tmp_path: Path) -> None:
    receive, send = os.pipe()
    os.write(send, TRACE)
    os.close(send)
    assert Tally(f"/dev/fd/{receive}").update().adopted == 1
    os.close(receive)


def test_a_trace_is_counted_once_and_read_on(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_bytes(TRACE[:60])  # cut within a line
    tally = Tally(str(trace))
    assert (tally.update().adopted, tally.reaped.total()) == (1, 0)
    trace.write_bytes(TRACE)
    tally.update()
    assert (tally.adopted, dict(tally.reaped), tally.lost, tally.torn) == (
        1, {"orphan": 1, "main": 1}, 4, 1,
    )  # fmt: skip
    trace.write_bytes(TRACE[:26])
    assert tally.update().reaped.total() == 0
    assert "reaper_adopted_total 1\n" in exposition(of_trace(tally))


def test_a_missing_trace_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file or directory; reaper --trace writes one"):
        Tally(str(tmp_path / "none")).update()


def stats(*processes: tuple[int, int, int]) -> list[Stat]:
    """Processes as (pid, ppid, start in ticks)."""
    found = [parse_stat(stat_line(pid, ppid=ppid, starttime=at)) for pid, ppid, at in processes]
    return [stat for stat in found if stat]


MAIN_AND_THREE = ((1, 0, 5), (7, 1, 20), (8, 1, 30), (9, 1, 40), (10, 1, 50), (11, 7, 60))
BEGINNING = '{"event":"start","pid":1,"pid_ns":77}\n{"event":"fork","pid":7}\n'
ADOPT, REAP = '{"event":"adopt","pid":8}\n', '{"event":"reap","pid":5,"ppid":1,"role":"orphan"}\n'
END = '{"event":"end","pid":1,"adopted":6}\n'
# what the trace says, and how many were adopted in all if its processes still live
ADOPTED = {
    "nobody was noticed": (BEGINNING, 3),
    "one was noticed": (BEGINNING + ADOPT, 3),
    "one was reaped": (BEGINNING + REAP, 4),
    "main is not the oldest": ('{"event":"start","pid":1}\n{"event":"fork","pid":8}\n', 2),
    "main is gone": ('{"event":"start","pid":1}\n{"event":"fork","pid":6}\n', 4),
    "the init is not PID 1": ('{"event":"start","pid":7}\n{"event":"fork","pid":10}\n', 1),
    "the run is over": (BEGINNING + REAP + END, 6),
    "the second run": (BEGINNING + REAP + END + BEGINNING, 6 + 3),
    "the first run was killed": (BEGINNING + 2 * ADOPT + BEGINNING, 2 + 3),
    "it was rotated": (ADOPT + REAP, 4),
    "it was rotated and nothing happened": ("", 0),
    "pids of no type": ('{"event":"start","pid":[]}\n{"event":"fork","pid":{}}\n', 0),
}


@pytest.mark.parametrize(("trace", "expected"), ADOPTED.values(), ids=ADOPTED)
def test_the_adopted_who_live_are_counted(trace: str, expected: int, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text(trace)
    tally = Tally(str(path)).update()
    assert tally.look(stats(*MAIN_AND_THREE), None)
    assert (tally.adopted, tally.torn) == (expected, 0)


def test_who_is_reaped_during_the_look_is_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text(BEGINNING)
    tally = Tally(str(path)).update()
    seen = stats(*MAIN_AND_THREE)
    path.write_text(BEGINNING + REAP.replace(":5,", ":9,"))
    assert tally.look(seen, 77) and tally.adopted == 3
    tally.update()
    assert tally.look([stat for stat in seen if stat.pid != 9], 77) and tally.adopted == 3


def test_a_look_at_another_namespace_counts_nobody(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text(BEGINNING + ADOPT)
    tally = Tally(str(path)).update()
    assert not tally.look(stats(*MAIN_AND_THREE), 78) and tally.adopted == 1
