#!/usr/bin/env python3
"""reaperctl beside ps, pstree, smem and top among many processes; prints markdown tables.

Run as root. The script moves into a PID namespace of its own. When that ends, also by Ctrl-C, all
its processes end. The two programs of a pair take turns in every round, so that noise meets both.
Progress goes to stderr.
"""

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import UNSHARE, conditions
from support import REPO, stat

CTL = [sys.executable, "-m", "reaper.inspector"]
PAIRS = {
    "ps": ["ps", "aux"],
    "tree": ["pstree", "-p"],
    "mem": ["smem"],
}
LIVE = ["top", "-d", "1"]


@dataclass
class Times:
    """Seconds of ours and theirs, round by round."""

    ours: list[float]
    theirs: list[float]

    @property
    def medians(self) -> tuple[float, float]:
        return statistics.median(self.ours), statistics.median(self.theirs)

    @property
    def ratio(self) -> float:
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=True))


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=REPO, check=True
    )
    return time.perf_counter() - start


def take_turns(view: str, rounds: int, where: str) -> Times:
    times = Times([], [])
    for number in range(rounds):
        say(f"{where}: {view}, round {number + 1} of {rounds}")
        times.ours.append(seconds([*CTL, view]))
        times.theirs.append(seconds(PAIRS[view]))
    return times


def live(command: list[str], span: float = 6.0) -> float:
    """Percent of one CPU that a live view on a terminal of 50 by 160 uses, start-up apart."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(REPO)
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))

    def used_after(span: float) -> float:
        end = time.monotonic() + span
        while (left := end - time.monotonic()) > 0:
            if select.select([master], [], [], left)[0]:
                os.read(master, 65536)
        user, system = map(int, stat(pid)[11:13])
        return (user + system) / os.sysconf("SC_CLK_TCK")

    try:
        before = used_after(2.5)
        return 100 * (used_after(span) - before) / span
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


def populate(count: int) -> None:
    """Start this many processes that sleep until the namespace ends."""
    for _ in range(count):
        if os.fork() == 0:
            while True:
                signal.pause()


def row(view: str, count: int, times: Times, idle: Times) -> str:
    """A line of the table. A process's share is that of the time without the start-up."""
    (ours, theirs), (our_start, their_start) = times.medians, idle.medians
    mine, other = ((a - b) / count * 1e6 for a, b in ((ours, our_start), (theirs, their_start)))
    return (
        f"| `{view}`, `{' '.join(PAIRS[view])}` | {count:,} | {ours:.3f} s | {theirs:.3f} s "
        f"| {times.ratio:.2f} | {mine:.0f} µs | {other:.0f} µs | {mine / other:.2f} |"
    )


def measure(counts: list[int], rounds: int, views: list[str]) -> None:
    idle = {view: take_turns(view, rounds, "alone") for view in views}
    rows, tops = [], []
    born = 0
    for count in sorted(counts):
        say(f"starting {count:,} processes")
        populate(count - born)
        born = count
        where = f"{count:,} processes"
        rows += [row(v, count, take_turns(v, rounds, where), idle[v]) for v in views]
        say(f"{where}: top")
        mine, other = live([*CTL, *LIVE[:1]]), live(LIVE)
        tops.append(f"| {count:,} | {mine:.1f} % | {other:.1f} % | {mine / other:.2f} |")
    print("| views | processes | ours | theirs | ratio | ours, each | theirs, each | ratio |")
    print(f"| --- |{' ---: |' * 7}", *rows, sep="\n")
    starts = ", ".join(
        f"{view} {1e3 * ours:.0f} ms and {1e3 * theirs:.0f} ms"
        for view, (ours, theirs) in ((view, times.medians) for view, times in idle.items())
    )
    print(f"\n`each` is a process's share of the time, start-up apart ({starts}).\n")
    print("| `top`, once a second | ours, of one CPU | theirs | ratio |")
    print(f"| ---: |{' ---: |' * 3}", *tops, sep="\n")
    print(f"\nMedians of {rounds} rounds. {conditions()}.")


def in_a_namespace() -> int:
    """Run this script as PID 1 of a namespace. If somebody ends us, the namespace ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    command = [*UNSHARE, "--mount-proc", sys.executable, *sys.argv]
    with subprocess.Popen(command, start_new_session=True) as popen:
        try:
            return popen.wait()
        except KeyboardInterrupt:
            popen.kill()
            return 130


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--view", action="append", choices=PAIRS, help="this one only; repeatable")
    parser.add_argument("count", nargs="*", type=int, default=[1000, 10_000], help="of processes")
    chosen = parser.parse_args()
    if os.getpid() != 1:
        raise SystemExit(in_a_namespace())
    measure(chosen.count, chosen.rounds, chosen.view or list(PAIRS))


if __name__ == "__main__":
    main()
