#!/usr/bin/env python3
"""Measures the init at work beside tini, dumb-init and catatonit; prints a table with ratios.

Run as root. Each program is PID 1 of a PID namespace of its own; all take turns in every round, so
that noise meets all of them. tests/bench/forms.py measures starts, sizes and the lost TERM.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import builds
from forms import PEERS, UNSHARE, conditions, counted, first_instruction
from support import PYTHON, children, eventually, memory, running, state, switches, victim

CONTENDERS = {
    "reaper": [*builds.command("source"), "--"],
    "reaper static": [*builds.command("static"), "--"],
} | PEERS
FLOOR = [PYTHON, "-I", "-S", "-c", "pass"]  # no Python program starts sooner


@contextmanager
def namespace(command: list[str]) -> Any:
    with running([*UNSHARE, "--mount-proc", *command]) as started:
        yield started


def latencies(command: list[str], count: int) -> list[float]:
    """Microseconds from kill to main's line, one by one."""
    with namespace([*command, *victim("prints_signals")]) as started:
        started.wait_line("ready")
        took = []
        for _ in range(count):
            begin = time.perf_counter()
            started.kill(signal.SIGUSR1)
            started.line()
            took.append((time.perf_counter() - begin) * 1e6)
    return took


def orphans(command: list[str], count: int) -> tuple[float, float, int]:
    """Seconds for `count` orphans that end at once, the init's CPU microseconds for each of them,
    and the largest backlog seen."""
    script = '"$@"; read line'
    begin = time.perf_counter()
    with namespace([*command, "sh", "-c", script, "sh", *victim("double_forks", str(count))]) as it:
        assert it.popen.stdout
        backlog = 0
        os.set_blocking(it.popen.stdout.fileno(), False)
        while not it.popen.stdout.read(4096):
            backlog = max(backlog, len(children(it.pid)) - 1)
        while any(state(child) == "Z" for child in children(it.pid)):
            pass
        seconds = time.perf_counter() - begin
        eventually(lambda: state(it.pid) == "S", "idle")  # then all its CPU time is counted
        nanoseconds = int(Path(f"/proc/{it.pid}/schedstat").read_text().split()[0])
    return seconds, nanoseconds / 1e3 / count, backlog


def idle(command: list[str], seconds: float) -> tuple[float, int]:
    """(private dirty MB, context switches in `seconds`) of an init with nothing to do."""
    with namespace([*command, *victim("prints_signals")]) as started:
        started.wait_line("ready")
        time.sleep(0.3)  # main's start is over
        before = switches(started.pid)
        time.sleep(seconds)
        dirty = memory(started.pid)["Private_Dirty"]
        return dirty / 2**20, switches(started.pid) - before


def ending(command: list[str]) -> float:
    """Milliseconds from main's last act to the end of the init."""
    script = "import os, time; os.write(1, b'%d' % time.monotonic_ns()); os._exit(0)"
    begun = subprocess.run(
        [*UNSHARE, *command, PYTHON, "-I", "-S", "-c", script],
        check=True,
        capture_output=True,
    )
    return (time.monotonic_ns() - int(begun.stdout)) / 1e6


def start(command: list[str]) -> float:
    """The time to main's first instruction, as a multiple of a run of Python that does nothing."""
    began = time.perf_counter()
    subprocess.run(FLOOR, check=True)
    floor = (time.perf_counter() - began) * 1e3
    return (first_instruction(command) - first_instruction([])) / floor


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


Row = tuple[str, Callable[[dict[str, Any]], float]]
ROWS: tuple[Row, ...] = (
    ("start to main, in runs of Python", lambda got: statistics.median(got["start"])),
    ("forwarding, median, µs", lambda got: percentile(got["latency"], 0.5)),
    ("forwarding, 99 of 100, µs", lambda got: percentile(got["latency"], 0.99)),
    ("all orphans, s", lambda got: statistics.median(each[0] for each in got["orphans"])),
    ("CPU an orphan, µs", lambda got: statistics.median(each[1] for each in got["orphans"])),
    ("largest backlog", lambda got: statistics.median(each[2] for each in got["orphans"])),
    ("private dirty, idle, MB", lambda got: statistics.median(each[0] for each in got["idle"])),
    ("switches, idle, 3 s", lambda got: statistics.median(each[1] for each in got["idle"])),
    ("main's end to init's end, ms", lambda got: statistics.median(got["ending"])),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orphans", type=int, default=20_000)
    chosen = parser.parse_args()
    got: dict[str, dict[str, list[Any]]] = {
        name: {key: [] for key in ("start", "latency", "orphans", "idle", "ending")}
        for name in CONTENDERS
    }
    for _ in counted("rounds", range(chosen.rounds), chosen.rounds):
        for name, command in CONTENDERS.items():
            got[name]["start"] += [start(command) for _ in range(20)]
            got[name]["latency"] += latencies(command, 200)
            got[name]["orphans"].append(orphans(command, chosen.orphans))
            got[name]["idle"].append(idle(command, 3))
            got[name]["ending"] += [ending(command) for _ in range(5)]
    print(f"{conditions()}, {chosen.rounds} rounds, {chosen.orphans} orphans each\n")
    print(f"| | {' | '.join(CONTENDERS)} |\n|---|{'---:|' * len(CONTENDERS)}")
    for title, figure in ROWS:
        floor = figure(got["tini"])
        cells = []
        for name in CONTENDERS:
            value = figure(got[name])
            ratio = f" ({value / floor:.2f})" if floor else ""
            cells.append(f"{value:.2f}{ratio}")
        print(f"| {title} | {' | '.join(cells)} |")
    print("\nIn brackets: the ratio to tini.")


if __name__ == "__main__":
    main()
