#!/usr/bin/env python3
"""Measures every form beside tini, dumb-init and catatonit; prints a section of docs/shipping.md.

Run as root after `make forms`: each start is PID 1 of a PID namespace of its own, and the programs
take turns in every round, so that noise meets all of them.
"""

import argparse
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import builds
from common import PEERS, UNSHARE, compiled, conditions, counted
from support import PYTHON, REPO, children, comm, eventually, memory, running, state

PROGRAMS = {name: [*builds.command(name), "--"] for name in builds.FORMS} | PEERS
# What a form adds to an image. A peer adds its program.
ON_DISK = {
    "source": REPO / "reaper",
    "static": REPO / "build" / "static" / "reaper",
    "bundle": REPO / "build" / "bundle" / "reaper",
    "wheel": next((REPO / "build" / "forms" / "wheel" / "lib").glob("*/site-packages/reaper")),
    "zipapp": REPO / "build" / "zipapp" / "reaper.pyz",
}
# No start can be shorter than these: one without an init, and those of a Python that does nothing.
NOTHING = ["/bin/true"]
FLOORS = {"python": [PYTHON, "-I", "-S", "-c", "pass"], "site": [PYTHON, "-I", "-c", "pass"]}
SLEEP = ["/bin/sleep", "1000"]


def milliseconds(command: list[str]) -> float:
    """Milliseconds from the start to the end of a command that runs as PID 1."""
    started = time.perf_counter()
    subprocess.run([*UNSHARE, *command], check=True)
    return (time.perf_counter() - started) * 1e3


def spawned(command: list[str]) -> float:
    """The same for a command in no namespace, from posix_spawn(3) to its end."""
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    status = os.waitpid(pid, 0)[1]
    taken = time.perf_counter() - started
    assert status == 0, command
    return taken * 1e3


def first_instruction(command: list[str]) -> float:
    """Milliseconds from the start of the init, as PID 1, to main's first instruction."""
    started = time.monotonic_ns()
    told = subprocess.run(
        [*UNSHARE, *command, compiled("first")], check=True, stdout=subprocess.PIPE
    ).stdout
    return (int(told) - started) / 1e6


def loses_term(command: list[str], within: float) -> bool:
    """Send TERM at a random moment of the first milliseconds after exec. True if it is lost."""
    with running([*UNSHARE, *command, *SLEEP]) as started:
        while not (found := children(started.popen.pid)):
            pass  # not `eventually`, which would sleep the window away
        while comm(found[0]) == "unshare":
            pass  # the window begins with the init's own exec
        time.sleep(random.uniform(0, within) / 1e3)
        os.kill(found[0], signal.SIGTERM)
        try:
            started.popen.wait(1)
        except subprocess.TimeoutExpired:
            return True
        return False


def idle(command: list[str]) -> tuple[int, int]:
    """Memory of the idle init in bytes: private dirty pages, and pages that others can share."""
    with running([*UNSHARE, *command, *SLEEP]) as started:
        eventually(lambda: comm(started.main_pid) == "sleep", "main")
        eventually(lambda: state(started.pid) == "S", "idle")
        bytes_of = memory(started.pid)
    return bytes_of["Private_Dirty"], bytes_of["Rss"] - bytes_of["Private_Dirty"]


def opened(command: list[str]) -> int:
    """Bytes of all the files that a start of the init executes, maps or reads."""
    with tempfile.NamedTemporaryFile() as log:
        strace = ["strace", "-qq", "-z", "-e", "trace=execve,open,openat", "-o", log.name]
        subprocess.run([*strace, *command, *NOTHING], stderr=subprocess.DEVNULL, check=True)
        text = Path(log.name).read_text()
    names = {Path(name).resolve() for name in re.findall(r'"(/[^"]*)"', text)}
    return size(name for name in names if name.is_file() and not name.is_relative_to("/proc"))


def size(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.is_file())


def on_disk(name: str) -> int:
    """Bytes on disk. The source is counted without .pyc files, which only tests have made here."""
    where = ON_DISK.get(name) or Path(f"/usr/bin/{name}")
    files = where.rglob("*") if where.is_dir() else ()
    return size([where, *(file for file in files if name != "source" or file.suffix != ".pyc")])


class Figures(NamedTuple):
    """The figures of one program. Times are milliseconds beyond the same start without an init."""

    begin: float
    end: float
    spawned: float  # not as PID 1; the whole time
    lost: int
    tries: int
    window: float  # the time in which the random moments lie
    private: int
    shared: int
    opened: int
    disk: int


COLUMNS = (
    "main's first instruction", "to tini", "end of `true`", "to tini", "spawned", "to tini",
    "TERM lost", "window", "private", "shareable", "files opened", "on disk",
)  # fmt: skip


def cells(figures: Figures, tini: Figures) -> tuple[str, ...]:
    return (
        f"{figures.begin:.1f} ms",
        f"{figures.begin / tini.begin:.1f} ×",
        f"{figures.end:.1f} ms",
        f"{figures.end / tini.end:.1f} ×",
        f"{figures.spawned:.1f} ms",
        f"{figures.spawned / tini.spawned:.1f} ×",
        f"{figures.lost} of {figures.tries}",
        f"{figures.lost / figures.tries * figures.window:.1f} ms",
        *(
            f"{count / 1e6:.2f} MB"
            for count in (figures.private, figures.shared, figures.opened, figures.disk)
        ),
    )


def measure(rounds: int, tries: int) -> tuple[dict[str, float], dict[str, Figures]]:
    """Measure all. Returns milliseconds to the end of nothing and of the floors; the figures."""
    begins: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    ends: dict[str, list[float]] = {name: [] for name in ("nothing", *FLOORS, *PROGRAMS)}
    spawns: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in counted("starts", range(rounds), rounds):
        begin, end = first_instruction([]), milliseconds(NOTHING)
        ends["nothing"].append(end)
        for name, command in FLOORS.items():
            ends[name].append(milliseconds(command) - end)
        for name, command in PROGRAMS.items():
            begins[name].append(first_instruction(command) - begin)
            ends[name].append(milliseconds([*command, *NOTHING]) - end)
            spawns[name].append(spawned([*command, *NOTHING]))
    to_main, to_end, all_in = (
        {name: statistics.median(values) for name, values in times.items()}
        for times in (begins, ends, spawns)
    )
    windows = {name: to_end["nothing"] + to_end[name] for name in PROGRAMS}
    lost = dict.fromkeys(PROGRAMS, 0)
    for _ in counted("TERM", range(tries), tries):
        for name, command in PROGRAMS.items():
            lost[name] += loses_term(command, windows[name])
    figures = {
        name: Figures(
            to_main[name],
            to_end[name],
            all_in[name],
            lost[name],
            tries,
            windows[name],
            *idle(command),
            opened(command),
            on_disk(name),
        )
        for name, command in counted("memory and files", PROGRAMS.items(), len(PROGRAMS))
    }
    return {name: to_end[name] for name in ("nothing", *FLOORS)}, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--tries", type=int, default=200, help="of TERM")
    options = parser.parse_args()
    floors, figures = measure(options.rounds, options.tries)
    print(f"| | {' | '.join(COLUMNS)} |")
    print(f"| --- |{' ---: |' * len(COLUMNS)}")
    for name, each in figures.items():
        print(f"| {name} | {' | '.join(cells(each, figures['tini']))} |")
    print(
        f"\nMedians of {options.rounds} rounds as PID 1 of a new PID namespace; what the same start"
        f" takes without an init ({floors['nothing']:.1f} ms to the end of `true`) is taken off;"
        " spawned: to the end of `true` from posix_spawn(3) on, not as PID 1, nothing taken off."
        f" A Python that does nothing takes {floors['python']:.1f} ms with `-I -S`, and"
        f" {floors['site']:.1f} ms with `site`. {conditions()}."
    )


if __name__ == "__main__":
    main()
