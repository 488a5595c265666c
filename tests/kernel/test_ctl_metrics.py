"""reaperctl metrics as Prometheus' own parser reads it: real zombies, a real trace, odd names."""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ctl import at_rest, reaperctl, root, rows
from prometheus_client.parser import text_string_to_metric_families as parse
from support import as_pid1, eventually, reaper, running, trace_lines, victim

from reaper.escape import escaped

ODD = 'a"b\\c\nd{e}'  # what a label must escape, and what it must not


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The metrics of a namespace with 20 orphans reaped and 3 zombies left, and its trace."""
    folder = tmp_path_factory.mktemp("metrics")
    (folder / ODD).symlink_to(Path(sys.executable).resolve())
    trace = folder / "trace"
    leak = [str(folder / ODD), *victim("never_waits", "3")[1:]]
    script = '"$@"; read line; exec "$0" ' + " ".join(f"'{word}'" for word in leak[1:])
    orphans = victim("double_forks", "20")
    command = reaper("--trace", str(trace), "--", "sh", "-c", script, leak[0], *orphans)
    with running(as_pid1(command)) as started:
        eventually(lambda: reaped(trace)["orphan"] == 20, "all orphans reaped")
        assert started.popen.stdin
        started.popen.stdin.write(b"\n")
        started.popen.stdin.flush()
        started.wait_line("ready")
        at_rest(started.pid)
        words = ("metrics", "--root", root(started.pid), "--trace", str(trace))
        code, out, err = reaperctl(*words)
        assert (code, err) == (0, "")
        into = folder / "reaper.prom"
        assert reaperctl(*words, "--output", str(into)) == (0, "", "")
        assert into.read_text() == out
        assert sorted(path.name for path in folder.glob("*.prom*")) == ["reaper.prom"]
        yield out, trace


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe, link, real = (tmp_path / name for name in ("pipe", "link", "real"))
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert reaperctl("metrics", "--output", str(pipe)) == (0, "", "")
    assert pipe.is_fifo() and os.read(reader, 65536).startswith(b"# HELP")
    os.close(reader)
    link.symlink_to(real)
    assert reaperctl("metrics", "--output", str(link), "--json") == (0, "", "")
    assert link.is_symlink() and json.loads(real.read_text())["view"] == "metrics"


def reaped(trace: Path) -> Counter[object]:
    """How many the trace says were reaped, by role."""
    if not trace.exists():
        return Counter()
    return Counter(event["role"] for event in trace_lines(trace) if event["event"] == "reap")


def samples(text: str) -> dict[str, dict[str, float]]:
    """family -> the value of its only label (empty without one) -> number."""
    return {
        family.name: {"".join(sample.labels.values()): sample.value for sample in family.samples}
        for family in parse(text)
    }


def test_zombies_and_states_are_counted(written: tuple[str, Path]) -> None:
    found = samples(written[0])
    assert found["reaper_zombies"] == {"": 3}
    assert found["reaper_parent_zombies"] == {escaped(ODD): 3}
    states = found["reaper_processes"]
    assert (states["Z"], states["S"], states["D"]) == (3, 2, 0)
    assert found["reaper_threads"] == {"": 5}


def test_adopted_and_reaped_are_those_of_the_trace(written: tuple[str, Path]) -> None:
    found = samples(written[0])
    counts = Counter(event["event"] for event in trace_lines(written[1]))
    assert found["reaper_adopted"] == {"": counts["adopt"]}
    assert found["reaper_reaped"] == {"main": 0, "other": 0} | reaped(written[1])
    assert found["reaper_reaped"]["orphan"] == 20
    assert found["reaper_trace_lost"] == {"": 0}


def test_the_adopted_who_live_are_counted_though_the_init_has_not_noticed(tmp_path: Path) -> None:
    """Nothing wakes the init: the shell itself waits for the parents of these orphans."""
    trace = tmp_path / "trace"
    script = "for i in 1 2 3 4 5 6 7; do (sleep 60 &); done; echo ready; read line; true"
    with running(as_pid1(reaper("--trace", str(trace), "--", "sh", "-c", script))) as started:
        started.wait_line("ready")
        at_rest(started.pid)
        where = ("--trace", str(trace), "--root", root(started.pid))
        assert samples(reaperctl("metrics", *where)[1])["reaper_adopted"] == {"": 7}
        totals = json.loads(reaperctl("top", "--json", "--interval", "0.1", *where)[1])["totals"]
        assert (totals["adopted"], totals["adopted_rate"]) == (7, 0)
        marked = rows("tree", "--root", root(started.pid))
        assert sum(row["adopted"] for row in marked) in (0, 7)  # 0 if it does not know the init
        assert sum(event["event"] == "adopt" for event in trace_lines(trace)) < 7
        code, out, err = reaperctl("metrics", "--trace", str(trace))
        assert code == 0 and "the trace is of another PID namespace" in err
        assert samples(out)["reaper_adopted"][""] < 7


def test_what_the_textfile_collector_asks_for(written: tuple[str, Path]) -> None:
    """HELP and TYPE once, before the samples; no time stamp; no sample twice; a last line end."""
    text = written[0]
    families = list(parse(text))
    assert text.endswith("\n") and "\n\n" not in text and "\r" not in text
    for family in families:
        name = family.name + "_total" * (family.type == "counter")
        assert family.documentation and family.type in ("gauge", "counter")
        lines = [line for line in text.splitlines() if name in line]
        assert lines[0] == f"# HELP {name} {family.documentation}"
        assert lines[1] == f"# TYPE {name} {family.type}"
        assert text.count(f"# HELP {name} ") == text.count(f"# TYPE {name} ") == 1
    every = [sample for family in families for sample in family.samples]
    assert all(sample.timestamp is None for sample in every)
    assert len({(s.name, *s.labels.items()) for s in every}) == len(every)
    assert all(re.fullmatch(r"reaper_[a-z_]+", sample.name) for sample in every)
