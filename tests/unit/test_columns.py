"""The columns of a process: each names the files that it needs, and has a name of its own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from statline import stat_line

from reaper.inspector.commands import kill, ps, tree
from reaper.inspector.reading.procfs import (
    PARTS,
    Machine,
    Membership,
    Memory,
    Process,
    Status,
    parse_stat,
)
from reaper.inspector.render import screen
from reaper.inspector.render.columns import PROCESS
from reaper.inspector.render.table import Column

STAT = parse_stat(stat_line(7, "web", tty_nr=1025, vsize=4096, rss=1))
assert STAT
# Everything about it is known, and no part says what another says.
KNOWN = Process(
    replace(STAT, processor=1),
    age=100.0,
    status=Status(
        b"Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNSpid:\t70\t7\n"
        b"VmLck:\t1 kB\nRssFile:\t2 kB\nRssShmem:\t3 kB\nVmSwap:\t4 kB\n"
        b"voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t6\n"
    ),
    argv=("web", "-v"),
    memory=Memory(1, 2, 3, 4),
    cgroup=(Membership((), "/web"),),
    wchan="do_wait",
    io={"read_bytes": 1, "write_bytes": 2},
    wait=0.5,
    hostpid=4711,
    machine=Machine(1000, 1 << 20),
)


@pytest.mark.parametrize("column", PROCESS, ids=lambda column: column.name)
def test_a_column_needs_the_files_that_it_reads_and_no_others(column: Column[Process]) -> None:
    """A file that it does not name is not read, and its value is a dash."""
    value = column.value(KNOWN)
    assert value is not None, "give KNOWN what this column reads"
    unasked = dict.fromkeys(PARTS.keys() - set(column.needs))
    assert column.value(replace(KNOWN, **unasked)) == value
    for part in column.needs:
        assert column.value(replace(KNOWN, **{part: None})) != value, part


@pytest.mark.parametrize("table", [PROCESS, ps.THREADS, tree.COLUMNS, screen.COLUMNS, kill.COLUMNS])
def test_no_two_columns_of_a_table_have_one_name(table: Sequence[Column[Any]]) -> None:
    names = [column.name for column in table]
    assert sorted(names) == sorted(set(names))
