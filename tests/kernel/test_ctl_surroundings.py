"""Where reaperctl has to work: unprivileged, with hidepid, among processes that vanish."""

import subprocess
import sys

import pytest
from ctl import rows
from support import REPO, as_pid1, reaper, run, running, victim

PAUSE = "echo ready; sleep 60; true"


def as_nobody(view: str, pid: int) -> "subprocess.CompletedProcess[bytes]":
    """A view in the namespaces of a process. It drops its rights only after the imports: this
    checkout may lie where nobody may read."""
    code = (
        "import os, sys, unicodedata; from reaper.inspector import cli, cgroup, memory\n"
        f"cli.build({view!r})\n"
        "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "cli.console()\n"
    )
    enter = ["nsenter", "-t", str(pid), "-p", "-m", f"--wd={REPO}"]
    return subprocess.run(
        [*enter, sys.executable, "-c", code, view], capture_output=True, check=False
    )


def test_unprivileged_it_says_what_it_could_not_read() -> None:
    with running(as_pid1(["sh", "-c", PAUSE])) as started:
        started.wait_line("ready")
        seen = as_nobody("mem", started.pid)
    assert seen.returncode == 0
    assert b"2 of 3 processes: no PSS; root may read it" in seen.stderr
    (shell,) = (line for line in seen.stdout.decode().splitlines() if "sh -c" in line)
    assert shell.split()[3:5] == ["–", "–"]


@pytest.mark.parametrize(
    ("hidepid", "note"),
    [
        ("1", b"processes could not be read; root can read them all"),
        ("2", b"other users' processes are hidden here (hidepid); root sees them all"),
    ],
)
def test_hidepid_is_said(hidepid: str, note: bytes) -> None:
    script = f"mount -o remount,hidepid={hidepid} /proc; {PAUSE}"
    with running(as_pid1(["sh", "-c", script])) as started:
        started.wait_line("ready")
        seen = as_nobody("ps", started.pid)
    assert seen.returncode == 0 and note in seen.stderr
    assert b"sleep" not in seen.stdout and len(seen.stdout.splitlines()) == 2  # head and itself


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
    with running(as_pid1(["sh", "-c", PAUSE])) as started:
        started.wait_line("ready")
        enter = ["nsenter", "-t", str(started.pid), "-p", "-m", "sh", "-c", "echo ready; read x"]
        with running(enter) as entered:
            entered.wait_line("ready")
            found = rows("tree", "--root", f"/proc/{started.pid}/root/proc", "-o", "ppid,depth")
    assert [row["ppid"] for row in found if row["depth"] == 0] == [0, 0]


def test_orphans_that_came_by_exec_are_marked_as_adopted() -> None:
    with running(as_pid1(["sh", "-c", PAUSE])) as started:
        started.wait_line("ready")
        leave = "sleep 60 >/dev/null 2>&1 & echo left"
        run(["nsenter", "-t", str(started.pid), "-p", "-m", "setsid", "sh", "-c", leave])
        found = rows("tree", "--root", f"/proc/{started.pid}/root/proc", "-o", "pid,ppid,adopted")
        assert [row["adopted"] for row in found if row["ppid"] == 1] == [False, True]
