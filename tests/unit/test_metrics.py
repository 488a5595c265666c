"""Counts for Prometheus, and the counts of a trace."""

import os
from pathlib import Path

import pytest
from statline import stat_line

from reaper.inspector.errors import UserError
from reaper.inspector.metrics import Family, exposition, of_snapshot, of_trace
from reaper.inspector.procfs import Process, Snapshot, parse_stat
from reaper.inspector.tally import Tally

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
