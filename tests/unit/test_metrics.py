"""Counts for Prometheus, and the counts of a trace."""

from pathlib import Path

import pytest

from reaper.inspector.errors import UserError
from reaper.inspector.metrics import Family, exposition, of_trace
from reaper.inspector.tally import Tally

TRACE = b"""{"event":"adopt","pid":3}
{"event":"reap","pid":3,"role":"orphan"}
{"event":"reap","pid":2,"role":"main"}
{"event":"drop","pid":1,"lines":4}
torn
"""


def test_labels_are_escaped() -> None:
    family = Family("m", "gauge", "Help.", (({"parent": 'a"b\\c\nd\udcff'}, 2),))
    expected = '# HELP m Help.\n# TYPE m gauge\nm{parent="a\\"b\\\\c\\nd�"} 2\n'
    assert exposition([family]) == expected


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
