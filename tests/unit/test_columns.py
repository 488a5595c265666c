"""The columns of a process: each shows its value, and names the files that it needs for it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from reaper.inspector.commands import kill, ps, tree
from reaper.inspector.reading.procfs import (
    PARTS,
    Machine,
    Membership,
    Memory,
    Process,
    Stat,
    Status,
)
from reaper.inspector.render import screen
from reaper.inspector.render.columns import PROCESS
from reaper.inspector.render.style import KINDS
from reaper.inspector.render.table import Column

TABLES = [PROCESS, ps.THREADS, tree.COLUMNS, screen.COLUMNS, kill.COLUMNS]
NAMELESS = 4_000_000_000  # a user id without a name, so that the user is shown as this number
KB = 1024

# Everything about it is known. Its numbers differ, so that a column which shows the value of
# another is found out.
KNOWN = Process(
    Stat(
        pid=17, comm="comm", state="S", ppid=2, pgid=3, sid=4, tty=136 << 8 | 5, tpgid=6, flags=0,
        minflt=7, majflt=8, user=9.5, system=10.25, priority=31, nice=11, threads=12, start=130.0,
        vss=14 * KB, rss=15 * KB, processor=16,
    ),
    age=79.0,
    status=Status(
        b"Uid:\t18\t%d\t0\t0\nGid:\t20\t21\t0\t0\nVmLck:\t1 kB\nRssFile:\t22 kB\n"
        b"RssShmem:\t100 kB\nVmSwap:\t24 kB\nNSpid:\t17\t25\nvoluntary_ctxt_switches:\t26\n"
        b"nonvoluntary_ctxt_switches:\t27\n" % NAMELESS
    ),
    argv=("program", "word"),
    memory=Memory(rss=1, pss=28 * KB, uss=29 * KB, swap=1),
    cgroup=(Membership((), "/group"),),
    wchan="do_wait",
    io={"read_bytes": 32, "write_bytes": 33},
    wait=34.5,
    hostpid=35,
    machine=Machine(boot=1000, memory=75 * KB),
)  # fmt: skip
VALUES = {
    "pid": 17, "ppid": 2, "pgid": 3, "sid": 4, "tty": "pts/5", "stat": "SNLl", "state": "S",
    "uid": 18, "euid": NAMELESS, "user": str(NAMELESS), "gid": 20, "egid": 21, "threads": 12,
    "priority": 31, "nice": 11, "cpu": 19.75, "user_cpu": 9.5, "system_cpu": 10.25, "pcpu": 25.0,
    "wait": 34.5, "processor": 16, "vss": 14 * KB, "rss": 15 * KB, "pmem": 20.0, "shr": 122 * KB,
    "pss": 28 * KB, "uss": 29 * KB, "swap": 24 * KB, "minflt": 7, "majflt": 8, "cswch": 26,
    "nvcswch": 27, "read": 32, "written": 33, "age": 79.0, "started": 1130.0, "start": 130.0,
    "nspid": 25, "hostpid": 35, "cgroup": "/group", "wchan": "do_wait", "comm": "comm",
    "command": "program word",
}  # fmt: skip


def test_every_column_shows_its_value() -> None:
    assert {column.name: column.value(KNOWN) for column in PROCESS} == VALUES


@pytest.mark.parametrize("column", PROCESS, ids=lambda column: column.name)
def test_a_column_needs_the_files_that_it_reads_and_no_others(column: Column[Process]) -> None:
    """A file that it does not name is not read, and its value is a dash."""
    value = column.value(KNOWN)
    assert value is not None, "give KNOWN what this column reads"
    unasked = dict.fromkeys(PARTS.keys() - set(column.needs))
    assert column.value(replace(KNOWN, **unasked)) == value
    for part in column.needs:
        assert column.value(replace(KNOWN, **{part: None})) != value, part


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_kind(table: Sequence[Column[Any]]) -> None:
    assert {column.kind for column in table} <= set(KINDS)


@pytest.mark.parametrize("table", TABLES)
def test_no_two_columns_of_a_table_have_one_name(table: Sequence[Column[Any]]) -> None:
    names = [column.name for column in table]
    assert sorted(names) == sorted(set(names))
