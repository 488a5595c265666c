"""What the tests of reaperctl share: run a command line in this process, look into a namespace."""

import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, NamedTuple

from support import descendants, eventually, state, switches

from reaper.inspector.cli import main

SIZE = re.compile(r"\b\d+(?:\.\d)?[KMG]\b")
AGE = re.compile(r"\b(?:\d+[dhms]){1,2}(?= (?:ago|old|in\b)|, in\b)")


def reaperctl(*words: str) -> tuple[int, str, str]:
    """Run one command line. Returns (exit code, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as leaving:
            assert isinstance(leaving.code, int)
            code = leaving.code
    return code, out.getvalue(), err.getvalue()


def rows(*words: str) -> list[dict[str, Any]]:
    """The rows that a command prints with --json."""
    code, out, err = reaperctl(*words, "--json")
    assert code in (0, 1), err
    found: list[dict[str, Any]] = json.loads(out)["rows"]
    return found


def root(pid: int) -> str:
    """The /proc that a process sees."""
    return f"/proc/{pid}/root/proc"


def at_rest(pid: int) -> None:
    """Wait until no thread of a process or its descendants is awake or has run between two looks.

    From then on, another program sees the same as we do.
    """
    earlier: dict[str, tuple[str, int]] = {}

    def rests() -> bool:
        nonlocal earlier
        before, earlier = earlier, {}
        for each in (pid, *descendants(pid)):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended: look again
                for task in os.listdir(f"/proc/{each}/task"):  # noqa: PTH208
                    earlier[task] = "R", -1
                    earlier[task] = state(int(task)), switches(int(task))
        letters = {letter for letter, _ in earlier.values()}
        return before == earlier and not letters & {"R", "D"}

    eventually(rests, "all asleep")


class Around(NamedTuple):
    """A size as we measured it just before and just after another program did.

    It changes when other processes begin or cease to share pages.
    """

    before: float
    after: float

    def agrees(self, seen: float, rel: float = 0, abs: float = 0) -> bool:
        """Whether the size that the other program saw lies between ours, with this tolerance."""
        low, high = sorted(self)
        return low - max(rel * low, abs) <= seen <= high + max(rel * high, abs)


def findings(*words: str) -> str:
    """What doctor says: one line per sentence, ages replaced, pids of this side left out."""
    code, out, err = reaperctl("doctor", "--wide", *words)
    assert not err and code == (not out.startswith("nothing found"))
    return AGE.sub("AGE", re.sub(r"(?m)^  here .*\n", "", out))


def without_sizes(text: str) -> str:
    """The text with sizes replaced, because nobody can foresee them."""
    return SIZE.sub("SIZE", text)


@contextmanager
def control_group(controller: str, limit: int) -> Iterator[Path]:
    """A temporary control group (v1 or v2) with a limit on memory (bytes) or pids."""
    v1 = Path("/sys/fs/cgroup") / controller
    old = v1.exists()
    group = (v1 if old else Path("/sys/fs/cgroup")) / f"ctl-test-{os.getpid()}"
    handed_down = group.parent / "cgroup.subtree_control"
    switch_on = not old and controller not in handed_down.read_text().split()
    if switch_on:
        handed_down.write_text(f"+{controller}")
    group.mkdir()
    name = {("memory", True): "memory.limit_in_bytes"}.get((controller, old), f"{controller}.max")
    try:
        (group / name).write_text(str(limit))
        yield group
    finally:
        eventually(lambda: not (group / "cgroup.procs").read_text(), "an empty control group")
        group.rmdir()
        if switch_on:
            handed_down.write_text(f"-{controller}")


def within(group: Path, *command: str) -> list[str]:
    """The command, started in a control group."""
    return ["sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh", *command]
