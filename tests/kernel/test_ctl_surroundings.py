"""Where reaperctl has to work: unprivileged, with hidepid, among processes that vanish."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ctl import rows
from support import REPO, Running, as_pid1, comm, entering, eventually, reaper, run, running, victim


@contextmanager
def pausing(before: str = "true") -> Iterator[Running]:
    """A namespace whose PID 1 is a shell with one child, sleep."""
    with running(as_pid1(["sh", "-c", f"{before}; sleep 60; true"])) as started:
        eventually(lambda: comm(started.main_pid) == "sleep")
        yield started


def as_nobody(view: str, pid: int, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """A view in the namespaces of a process. It drops its rights only after the imports: this
    checkout may lie where nobody may read."""
    code = (
        "import os, sys, unicodedata; from reaper.inspector import cli\n"
        "from reaper.inspector.answers import memory; from reaper.inspector.reading import cgroup\n"
        f"cli.build({view!r})\n"
        "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "cli.console()\n"
    )
    enter = [*entering(pid), f"--wd={REPO}"]
    return subprocess.run(
        [*enter, sys.executable, "-c", code, view, *words], capture_output=True, check=False
    )


def test_unprivileged_it_says_what_it_could_not_read() -> None:
    with pausing() as started:
        seen = as_nobody("mem", started.pid)
    assert seen.returncode == 0
    assert b"the PSS of 2 of 3 processes could not be read; root can read it" in seen.stderr
    (shell,) = (line for line in seen.stdout.decode().splitlines() if "sh -c" in line)
    assert shell.split()[3:5] == ["–", "–"]


@pytest.mark.parametrize(
    ("hidepid", "words", "line"),
    [
        ("0", ("maps", "1"), "process 1: no permission for its map; try it as root"),
        ("1", ("maps", "1"), "process 1: no permission; try it as root"),
        ("1", ("show", "1"), "process 1: no permission; try it as root"),
        ("1", ("tree", "1"), "process 1: no permission; try it as root"),
        ("2", ("show", "1"), "no process 1; reaperctl ps lists those that are there"),
        (
            "0",
            ("metrics", "--output", "/etc/x.prom"),
            "/etc/x.prom: Permission denied; choose a folder that can be written",
        ),
    ],
)
def test_no_permission_is_one_line(hidepid: str, words: tuple[str, ...], line: str) -> None:
    with pausing(f"mount -o remount,hidepid={hidepid} /proc") as started:
        seen = as_nobody(words[0], started.pid, *words[1:])
    assert (seen.returncode, seen.stdout) == (2, b"")
    assert seen.stderr.decode() == f"reaperctl: {line}\n"


@pytest.fixture(
    scope="module",
    params=[
        ("1", "2 processes could not be read; root can read them all"),
        ("2", "other users' processes are hidden here (hidepid); root sees them all"),
    ],
    ids=lambda param: f"hidepid={param[0]}",
)
def hiding(request: pytest.FixtureRequest) -> Iterator[tuple[Running, str]]:
    """A namespace whose /proc hides other users' processes, and what reaperctl must say of that."""
    hidepid, sentence = request.param
    with pausing(f"mount -o remount,hidepid={hidepid} /proc") as started:
        yield started, sentence


@pytest.mark.parametrize(
    ("view", "first"),
    [
        ("ps", "PID PPID"),
        ("tree", "PID STAT"),
        ("states", "ST COUNT"),
        ("zombies", "no zombies\n"),
        ("doctor", "nothing found: 1 process looked at, as far as they can be seen\n"),
    ],
)
def test_hidepid_is_said_in_one_line(view: str, first: str, hiding: tuple[Running, str]) -> None:
    started, sentence = hiding
    seen = as_nobody(view, started.pid)
    assert seen.stderr.decode() == f"reaperctl: {sentence}\n"
    assert seen.returncode == 0 and seen.stdout.decode().lstrip().startswith(first)
    assert b"sleep" not in seen.stdout and len(seen.stdout.splitlines()) <= 2  # head and itself


def test_hidepid_is_said_by_top(hiding: tuple[Running, str]) -> None:
    started, sentence = hiding
    seen = as_nobody("top", started.pid, "--interval", "0.1")
    lines = seen.stdout.decode().splitlines()
    assert (seen.returncode, seen.stderr) == (0, b"")
    assert lines[4] == f"unseen    {sentence}"
    assert lines[6].split()[0] == "PID" and len(lines) == 8


def test_processes_that_vanish_are_no_error() -> None:
    with running(as_pid1(reaper("--", *victim("floods", "2", "0")))) as started:
        started.wait_line("flooding")
        proc = f"/proc/{started.pid}/root/proc"
        for _ in range(20):
            found = {row["pid"] for row in rows("ps", "--root", proc)}
            assert 1 in found
            assert rows("tree", "--root", proc) and rows("mem", "--root", proc)


def test_without_proc_it_says_so() -> None:
    command = f"mount -t tmpfs none /proc; {sys.executable} -m reaper.inspector doctor"
    code, out, err = run(as_pid1(["sh", "-c", command]), cwd=REPO)
    assert (code, out) == (2, "")
    assert err == "reaperctl: /proc: no processes; is /proc mounted there?\n"


def test_parents_outside_are_roots_of_their_own() -> None:
    """What comes by docker exec or nsenter has parent 0."""
    with pausing() as started:
        enter = [*entering(started.pid), "sh", "-c", "echo ready; read x"]
        with running(enter) as entered:
            entered.wait_line("ready")
            found = rows("tree", "--root", f"/proc/{started.pid}/root/proc", "-o", "ppid,depth")
    assert [row["ppid"] for row in found if row["depth"] == 0] == [0, 0]


def test_orphans_that_came_by_exec_are_marked_as_adopted() -> None:
    with pausing() as started:
        leave = "sleep 60 >/dev/null 2>&1 & echo left"
        run([*entering(started.pid), "setsid", "sh", "-c", leave])
        found = rows("tree", "--root", f"/proc/{started.pid}/root/proc", "-o", "pid,ppid,adopted")
        assert [row["adopted"] for row in found if row["ppid"] == 1] == [False, True]
