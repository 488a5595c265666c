#!/usr/bin/env python3
"""Every form beside tini, dumb-init and catatonit; prints a markdown table with its conditions.

Run as root after `make forms`: each start is PID 1 of a PID namespace of its own, and the programs
take turns in every round, so that noise meets all of them.
"""

import argparse
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from support import FORMS, REPO, children, eventually

PEERS = {"tini": ["tini", "--"], "dumb-init": ["dumb-init"], "catatonit": ["catatonit", "--"]}
PROGRAMS = {name: [*command, "--"] for name, command in FORMS.items()} | PEERS
ON_DISK = {
    "static": REPO / "build/static/reaper",
    "bundle": REPO / "build/bundle/reaper",
    "zipapp": REPO / "build/zipapp/reaper.pyz",
}
UNSHARE = ["unshare", "--pid", "--fork", "--kill-child"]


def conditions() -> str:
    return f"Linux {platform.release()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}"


def milliseconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([*UNSHARE, *command], check=True)
    return (time.perf_counter() - started) * 1e3


def first_line(command: list[str]) -> float:
    """Start of the init to main's first output (main is echo)."""
    started = time.perf_counter()
    with subprocess.Popen([*UNSHARE, *command, "/bin/echo"], stdout=subprocess.PIPE) as popen:
        assert popen.stdout
        popen.stdout.read(1)
        took = time.perf_counter() - started
    return took * 1e3


def loses_term(command: list[str], within: float) -> bool:
    """Whether a TERM at a random moment of the start never ends the container."""
    popen = subprocess.Popen([*UNSHARE, *command, "/bin/sleep", "1000"])
    try:
        pid = eventually(lambda: children(popen.pid))[0]
        while Path(f"/proc/{pid}/comm").read_text().strip() == "unshare":
            pass  # the window opens with the init's own exec
        time.sleep(random.uniform(0, within))
        os.kill(pid, signal.SIGTERM)
        try:
            popen.wait(1)
        except subprocess.TimeoutExpired:
            return True
        return False
    finally:
        with suppress(ProcessLookupError):
            popen.kill()
        popen.wait()


def memory(command: list[str]) -> tuple[int, int]:
    """(private, shared) KiB of the idle init; file pages that nobody else maps are not shared."""
    os.sync()
    with subprocess.Popen([*UNSHARE, *command, "/bin/sleep", "1000"]) as popen:
        pid = eventually(lambda: children(popen.pid))[0]
        eventually(lambda: children(pid), "main")
        time.sleep(0.1)
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        value = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        popen.kill()
    return value["Private_Dirty"], value["Rss"] - value["Private_Dirty"]


def size(name: str, command: list[str]) -> str:
    where = ON_DISK.get(name) or Path(f"/usr/bin/{command[0]}")
    if not where.exists():
        return "-"
    files = [where] if where.is_file() else [file for file in where.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--tries", type=int, default=200, help="of TERM")
    options = parser.parse_args()
    base: list[float] = []
    whole: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    until_main: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(options.rounds):
        base.append(milliseconds(["/bin/true"]))
        for name, command in PROGRAMS.items():
            whole[name].append(milliseconds([*command, "/bin/true"]))
            until_main[name].append(first_line(command))
    nothing = statistics.median(base)
    print("| | main's first output | end of `true` | TERM lost | private | other | on disk |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, command in PROGRAMS.items():
        start, end = (statistics.median(times[name]) for times in (until_main, whole))
        lost = sum(loses_term(command, end / 1e3) for _ in range(options.tries))
        private, other = memory(command)
        print(
            f"| {name} | {start - nothing:.1f} ms | {end - nothing:.1f} ms"
            f" | {lost} of {options.tries} | {private / 1e3:.2f} MB | {other / 1e3:.2f} MB"
            f" | {size(name, command)} MB |"
        )
    print(
        f"\nMedians of {options.rounds} rounds, as PID 1 of a new PID namespace; the time of the"
        f" same start without an init, {nothing:.1f} ms, is taken off. {conditions()}."
    )


if __name__ == "__main__":
    main()
