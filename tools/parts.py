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


class StopRequested(Exception):  # noqa: N818 - it is no error
    """A signal asked this program to end."""


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


def run(lanes: Sequence[list[str]], begun: list[Part]) -> str:
    """Run the lanes side by side, and return the words of the first part that failed, or nothing.

    Each part that begins is added to `begun`.
    """
    running: dict[int, tuple[Part, Iterator[str]]] = {}
    failed = ""

    def begin_next(lane: Iterator[str]) -> None:
        words = next(lane, "")
        if words and not failed:
            begun.append(Part(words, beside=len(lanes) > 1))
            running[begun[-1].popen.pid] = begun[-1], lane

    for lane in lanes:
        begin_next(iter(lane))
    while running:
        ended, status = os.wait()
        part, following = running.pop(ended)
        part.popen.returncode = os.waitstatus_to_exitcode(status)
        part.end("failed" if status else "")
        failed = failed or (part.words if status else "")
        begin_next(following)
    return failed


def stop(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_DFL)  # the second one ends this at once
    raise StopRequested(number)


def main(words: Sequence[str]) -> int:
    since = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    first, *others = groups(words)
    begun: list[Part] = []
    code, outcome, part = 0, "", ""
    try:
        part = run([first], begun) or run(others, begun)
        if part:
            code, outcome = 1, "failed"
    except StopRequested as stopped:
        code, outcome = 128 + stopped.args[0], "stopped"
        for each in begun:
            if not each.row:
                each.popen.wait()  # the terminal's Ctrl-C reached it, too; its tests clean up
                each.end(outcome)
                part = part or each.words
    print("", *(each.row for each in begun), row("total", time.monotonic() - since), sep="\n")
    if outcome:
        print(f"{outcome}; again: {os.environ.get('AGAIN', 'make')} {part}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
