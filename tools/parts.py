#!/usr/bin/env python3
"""Run the parts of `make test`; at the end a table shows how long each of them took.

    parts.py PART... [-- PART... ]...

Each PART holds the words for make of one part. `--` separates groups. The parts of a group run one
after another. The first group runs alone; then the other groups run side by side, and what one of
their parts prints appears as a whole when that part ends.

Once a part has failed, no other part begins; those that run go on to their end. The exit code is
then 1. The variable MAKE is the command that makes a part, and AGAIN is the command that the last
line names for a part that failed, if it is not plain make.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import IO


class Part:
    """One part that was begun, and its row in the table."""

    def __init__(self, words: str, *, beside: bool) -> None:
        self.words = words
        self.begun = time.monotonic()
        self.output: IO[bytes] | None = tempfile.TemporaryFile() if beside else None  # noqa: SIM115
        print(f"\n== make {words}{' (begins; its output follows)' * beside}", flush=True)
        command = [*shlex.split(os.environ.get("MAKE", "make")), "--no-print-directory"]
        self.popen = subprocess.Popen(
            [*command, *shlex.split(words)], stdout=self.output, stderr=self.output
        )
        self.row = ""

    def end(self, outcome: str) -> None:
        """Show what it printed, if that was kept, and write its row."""
        self.row = row(self.words, time.monotonic() - self.begun, outcome)
        if self.output:
            print(f"\n== make {self.words}", flush=True)
            self.output.seek(0)
            shutil.copyfileobj(self.output, sys.stdout.buffer)
            sys.stdout.flush()


def row(name: str, seconds: float, outcome: str = "") -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{name:24} {minutes:4}:{rest:02}  {outcome}".rstrip()


def groups(words: Sequence[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            found.append([])
        else:
            found[-1].append(word)
    return found


class Run:
    """The parts that were begun, and why no other may begin."""

    def __init__(self) -> None:
        self.begun: list[Part] = []
        self.code = 0
        self.outcome = ""  # failed or stopped
        self.part = ""  # the first part that it happened to

    def stop(self, number: int, _: object) -> None:
        """A signal came. The terminal's Ctrl-C reaches the parts, too, and their tests clean up."""
        signal.signal(number, signal.SIG_DFL)  # the second one ends this program at once
        self.code, self.outcome = 128 + number, "stopped"

    def side_by_side(self, lanes: Sequence[list[str]]) -> None:
        """Run the lanes at the same time, and the parts of a lane one after another."""
        running: dict[int, tuple[Part, Iterator[str]]] = {}

        def begin_next(lane: Iterator[str]) -> None:
            words = next(lane, "")
            if words and not self.outcome:
                part = Part(words, beside=len(lanes) > 1)
                self.begun.append(part)
                running[part.popen.pid] = part, lane

        for lane in lanes:
            begin_next(iter(lane))
        while running:
            pid, status = os.wait()
            part, lane = running.pop(pid)
            part.popen.returncode = os.waitstatus_to_exitcode(status)
            if status and not self.outcome:
                self.code, self.outcome = 1, "failed"
            outcome = self.outcome if status or self.outcome == "stopped" else ""
            part.end(outcome)
            self.part = self.part or (part.words if outcome else "")
            begin_next(lane)


def main(words: Sequence[str]) -> int:
    since = time.monotonic()
    run = Run()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, run.stop)
    first, *others = groups(words)
    run.side_by_side([first])
    run.side_by_side(others)
    print("", *(part.row for part in run.begun), row("total", time.monotonic() - since), sep="\n")
    if run.part:
        print(f"{run.outcome}; again: {os.environ.get('AGAIN', 'make')} {run.part}")
    return run.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
