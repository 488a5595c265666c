"""The decisions of reaperctl top: keys to state, samples to rows, rows to lines; the sampler."""

from dataclasses import replace
from pathlib import Path

import pytest
from ctl import reaperctl
from statline import stat_line

from reaper.inspector.answers.totals import Totals, summary, totals_of
from reaper.inspector.reading import sampling
from reaper.inspector.reading.procfs import Proc, Process, Stat, parse_stat
from reaper.inspector.reading.sampling import Row, Sample, Sampler, Seen
from reaper.inspector.render import screen
from reaper.inspector.render.screen import KEYS, Screen, press
from reaper.inspector.render.terminal import keys


def line(pid: int, comm: str = "web", state: str = "S", ticks: int = 0, start: int = 1000) -> bytes:
    memory = {"vsize": 4096, "rss": 10}
    ours = {"pgrp": pid, "session": pid, "state": state, "utime": ticks, "starttime": start}
    return stat_line(pid, comm, **ours, **memory)


def stat(pid: int, **options: object) -> Stat:
    found = parse_stat(line(pid, **options))  # type: ignore[arg-type]
    assert found
    return found


def sample(at: float, *stats: Stat) -> Sample:
    return Sample(at, 100.0 + at, {(found.pid, 0): found for found in stats})


def after(typed: str, state: Screen | None = None) -> Screen:
    state = state or Screen()
    for key in typed:
        state = press(state, key)
    return state


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("M", Screen(sort="-rss")),
        ("MP", Screen(sort=screen.BUSIEST)),
        ("T", Screen(sort="-cpu")),
        ("N", Screen(sort="pid")),
        ("H", Screen(threads=True)),
        ("HH", Screen()),
        ("z", Screen(zombies=True)),
        ("q", Screen(quit=True)),
        ("?", Screen(help=True)),
        ("?M", Screen()),
        ("?q", Screen(help=True, quit=True)),
        ("x", Screen()),
        ("/q", Screen(typing=True, name="q")),
        ("/qM\r", Screen(name="qM")),
        ("/ab\x7f\n", Screen(name="a")),
        ("/ab\x1b", Screen()),
        ("/a\r/", Screen(typing=True)),
        ("/a\x01\r", Screen(name="a")),
    ],
)
def test_keys(typed: str, expected: Screen) -> None:
    assert after(typed) == expected


def test_every_key_is_in_the_help() -> None:
    help_lines = screen.help_lines(1.0)
    assert all(any(text.startswith(f"  {key}  ") for text in help_lines) for key in KEYS)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"q", ["q"]),
        (b"\x1b[A\x1b[1;5Cq\x1bOP\x1b[24~", ["q"]),
        (b"\x1b", ["\x1b"]),
        ("/ä".encode(), ["/", "ä"]),
        (b"\xff", []),
    ],
)
def test_function_keys_are_no_letters(data: bytes, expected: list[str]) -> None:
    assert keys(data) == expected


def test_percent_is_of_one_cpu_since_the_last_look() -> None:
    idle = stat(1)
    before = sample(0.0, idle, stat(2, ticks=100), stat(3, ticks=50, start=5000))
    now = sample(
        2.0,
        idle,
        stat(2, ticks=200),
        stat(3, ticks=20, start=10100),  # a new process reuses the pid: all its time is new
        stat(4, ticks=30, start=10050),  # started in between
        stat(5, ticks=30, start=10),  # older, but not seen before
    )
    percent = {row.pid: row.percent for row in sampling.rows(now, before)}
    assert percent == {1: 0.0, 2: 50.0, 3: 10.0, 4: 15.0, 5: None}


def test_a_rate_is_what_a_counter_grew_between_two_looks_at_one_process() -> None:
    def seen(at: float, pid: int, minflt: int, start: int = 1000) -> Seen:
        return Seen(at, Process(replace(stat(pid, start=start), minflt=minflt)))

    def faults(process: Process) -> int:
        return process.stat.minflt

    row = Row(1, 0.0, Process(stat(1)), seen=seen(12.0, 1, 40), earlier=seen(10.0, 1, 10))
    assert row.rate(faults) == 15.0
    columns = {column.name: column.value for column in screen.COLUMNS}
    assert columns["minflt/s"](row) == 15.0
    assert columns["cswch/s"](row) is None and columns["waiting"](row) is None
    waited = [replace(seen, process=replace(seen.process, wait=wait))
              for seen, wait in ((row.seen, 1.5), (row.earlier, 1.0)) if seen]  # fmt: skip
    assert columns["waiting"](replace(row, seen=waited[0], earlier=waited[1])) == 25.0
    assert replace(row, earlier=None).rate(faults) is None
    assert replace(row, earlier=seen(10.0, 1, 10, start=999)).rate(faults) is None
    assert replace(row, earlier=seen(12.0, 1, 10)).rate(faults) is None


def test_the_first_look_knows_no_percent() -> None:
    rows = sampling.rows(sample(0.0, stat(1)), None)
    assert [row.percent for row in rows] == [None]
    assert totals_of(rows).percent is None


def test_the_filters_of_name_and_zombies_both_hold() -> None:
    rows = [
        Row(pid, 0.0, Process(stat(pid, comm=comm, state=state)))
        for pid, comm, state in ((1, "Web", "S"), (2, "web", "Z"), (3, "db", "Z"))
    ]
    assert [row.pid for row in screen.chosen(Screen(name="wEb"), rows)] == [1, 2]
    assert [row.pid for row in screen.chosen(Screen(name="web", zombies=True), rows)] == [2]


def test_the_lines_above_the_table() -> None:
    totals = Totals(
        {"S": 98, "Z": 5}, 230, 12.5, 2, "0.5 0.4 0.3", 1 << 29, 1 << 30, "control group",
        traced=True, reaped=240, adopted=60, reaped_rate=12.0, adopted_rate=3.0,
    )  # fmt: skip
    state = Screen(name="we\x1b", typing=True, zombies=True)
    assert screen.head(state, summary(totals), True, 80, False) == [
        "processes 103: 98 sleeping, 5 zombie; 230 threads",
        "cpu       12.5 % of 200 % (2 CPUs); load 0.5 0.4 0.3",
        "memory    512M of 1.0G (50 %) of the control group",
        "reaped    12.0/s, 240 in all; adopted 3.0/s, 60 in all",
        "/we\\x1b_  zombies only",
    ]


def test_unknown_is_never_0() -> None:
    lines = summary(Totals({}, 0, None, None, hidden=True))
    assert [text.split()[1] for text in lines[1:4]] == ["–", "–", "–"]
    assert "hidepid" in lines[4]


def write(folder: Path, pid: int, data: bytes) -> None:
    (folder / str(pid)).mkdir(exist_ok=True)
    (folder / str(pid) / "stat").write_bytes(data)


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_the_sampler_sees_changes_ends_and_births(tmp_path: Path, keep: int) -> None:
    for pid in (1, 2):
        write(tmp_path, pid, line(pid))
    sampler = Sampler(Proc(str(tmp_path)), keep)
    first = sampler.sample().processes
    write(tmp_path, 1, line(1, ticks=7))
    write(tmp_path, 3, line(3))
    second = sampler.sample().processes
    assert second[1, 0].user == 0.07
    assert second[2, 0] is first[2, 0]  # not parsed again
    (tmp_path / "2" / "stat").unlink()
    (tmp_path / "2").rmdir()
    assert sampler.sample().processes.keys() == {(1, 0), (3, 0)}
    sampler.close()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--interval", "0"), "is not a number of seconds from 0.1 to 3600"),
        (("-o", "nope"), 'no column "nope"'),
        (("--sort", "nope"), 'no column "nope"'),
        (("--root", "/nowhere"), "is /proc mounted?"),
        (("--trace", "/nowhere/trace"), "reaper --trace writes one"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], line: str) -> None:
    code, out, err = reaperctl("top", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert line in err
