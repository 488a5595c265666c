"""It works wherever a container may put it."""

import os
import re
import signal
from pathlib import Path

import pytest
from ctl import control_group, within
from support import (
    PYTHON,
    WITHOUT_PROC,
    Placed,
    Running,
    as_pid1,
    eventually,
    reaper,
    run,
    running,
    victim,
)

pytestmark = pytest.mark.every_form

NOBODY = ["--reuid=54321", "--regid=54321", "--clear-groups"]
IN = {
    "plain": [],
    "unknown uid": ["setpriv", *NOBODY],
    "no capabilities": ["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
    "unknown uid, no capabilities": ["setpriv", *NOBODY, "--bounding-set=-all", "--inh-caps=-all"],
    "no new privileges": ["setpriv", "--no-new-privs"],
    "no proc": WITHOUT_PROC,
    "proc of another namespace": ["unshare", "--mount", "sh", "-c",
                                  'umount -l /proc && exec "$@"', "sh"],
    "hidepid": ["sh", "-c", 'mount -o remount,hidepid=2 /proc && exec "$@"', "sh",
                "setpriv", *NOBODY],
    "read-only root": ["unshare", "--mount", "sh", "-c",
                       'mount -o remount,bind,ro / ; exec "$@"', "sh"],
    "no tmp to write to": ["unshare", "--mount", "sh", "-c",
                           'mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && exec "$@"',
                           "sh"],
    "removed cwd": ["sh", "-c", 'd=$(mktemp -d); cd $d; rmdir $d; exec "$@"', "sh"],
    "no files": ["prlimit", "--nofile=16", "--"],
}  # fmt: skip


def started_in(place: str, command: list[str], placed: Placed) -> list[str]:
    """The command there, as PID 1 or below one; never in the machine's own PID namespace, whose
    /proc a remount would change for everybody."""
    below = [] if placed is as_pid1 else ["sh", "-c", '"$@"; exit $?', "sh"]
    return as_pid1([*below, *IN[place], *command])


def init_of(started: Running, placed: Placed) -> int:
    return started.pid if placed is as_pid1 else started.main_pid


@pytest.mark.parametrize("place", IN)
def test_it_does_its_work(place: str, placed: Placed) -> None:
    """It reaps orphans, forwards signals, leaves with main's code, and writes nothing to stderr."""
    command = reaper("--", *victim("prints_signals"))
    with running(started_in(place, command, placed)) as started:
        started.wait_line("ready")
        os.kill(init_of(started, placed), signal.SIGUSR1)
        assert started.line() == "10"
        os.kill(init_of(started, placed), signal.SIGTERM)
        code, _, err = started.finish()
    assert (code, err) == (0, "")
    script = 'n=0; while [ $n -lt 5 ]; do (sh -c "exit 1" &); n=$((n+1)); done; exit 4'
    assert run(started_in(place, reaper("--", "sh", "-c", script), placed))[0] == 4


@pytest.mark.parametrize(
    "place", ["no proc", "proc of another namespace", "unknown uid", "hidepid", "plain"]
)
def test_the_rest_is_shut_down_there_too(place: str) -> None:
    stubborn = " ".join(victim("ignores_term", "own-session"))
    main = victim("helper_tree", "5", stubborn)
    assert run(as_pid1([*IN[place], *reaper("--grace", "0.2", "--", *main)]))[0] == 5


@pytest.mark.parametrize("place", ["no proc", "proc of another namespace"])
def test_the_tree_is_reached_there_too(place: str) -> None:
    """The pids in the /proc of another namespace are not ours."""
    own = " ".join(victim("prints_signals"))
    command = reaper("--scope", "tree", "--", "sh", "-c", f"setsid {own} & exec {own}")
    with running(as_pid1([*IN[place], *command])) as started:
        assert [started.line(), started.line()] == ["ready", "ready"]
        started.kill(signal.SIGUSR1)
        assert [started.line(), started.line()] == ["10", "10"]


def test_the_tree_is_reached_where_hidepid_hides_it(placed: Placed) -> None:
    command = reaper("--scope", "tree", "--", *victim("undumpable"))
    with running(started_in("hidepid", command, placed)) as started:
        started.wait_line("ready")
        for number in (signal.SIGUSR1, signal.SIGTERM):
            os.kill(init_of(started, placed), number)
            assert started.line() == str(int(number))


def test_stdin_may_be_closed_and_a_signal_still_comes() -> None:
    with running(
        ["sh", "-c", 'exec "$@" <&-', "sh", *reaper("--", *victim("prints_signals"))]
    ) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0


def test_it_adopts_when_it_is_not_pid_1() -> None:
    with running(
        reaper("-w", "--", "sh", "-c", '"$@"; read x', "sh", *victim("double_forks", "3"))
    ) as started:
        started.wait_line("made 3")
        code, _, err = started.finish()
    assert code in (0, 1)
    assert err.count("reaped orphan") == 3


def hierarchy(group: Path) -> Path:
    """The folder that the hierarchy of a control group is mounted on."""
    v1 = Path("/sys/fs/cgroup/memory")
    return v1 if v1 in group.parents else v1.parent


def test_where_it_runs_and_what_it_came_to_is_said_in_a_line_each() -> None:
    command = ["env", "container=podman", *reaper("-v", "--", "true")]
    with control_group("memory", 512 << 20) as group:
        as_runtimes_do = ["sh", "-c", f'mount --bind {group} {hierarchy(group)}; exec "$@"', "sh"]
        err = run(as_pid1(within(group, *as_runtimes_do, *command)))[2]
        shared = run(within(group, *as_pid1(command)))[2]  # unshare(1) is in the group, too
    assert shared.endswith("leaving with exit code 0: adopted 0, reaped 1\n")
    first, *_, last = err.splitlines()
    assert "info: PID 1 of its namespace, Podman, memory limit 512 MiB" in first
    assert "info: leaving with exit code 0: adopted 0, reaped 1, memory peak" in last
    peak = re.search(r"memory peak ([\d.]+) MiB", last)
    assert peak and 0 < float(peak[1]) < 512


def test_the_figures_of_a_group_that_others_are_in_are_not_said() -> None:
    """It may be the group of a session, or of a container in which `docker exec` starts an init."""
    command = reaper("-v", "--", "sh", "-c", "sleep 60 & sleep 0.1")
    with control_group("memory", 512 << 20) as group:
        alone = run(within(group, *command))[2].splitlines()
        beside = run(within(group, "sh", "-c", '"$@"; exit $?', "sh", *command))[2].splitlines()
    assert "memory limit 512 MiB" in alone[0] and "memory limit 512 MiB" in beside[0]
    assert ", memory peak " in alone[-1]
    assert beside[-1].endswith("leaving with exit code 0: adopted 1, reaped 2")


def test_the_figures_of_the_machine_are_not_said() -> None:
    """The machine's figures are left out if the init has no control group of its own."""
    root = Path("/sys/fs/cgroup")
    command = reaper("-v", "--", "true")
    for group in (root / "memory", root / "pids", root):
        if (group / "cgroup.procs").exists():
            if not is_the_machines(group):
                pytest.skip("the tests run in a control group of their own and see no other")
            command = within(group, *command)
    err = run(as_pid1(command))[2]
    first, *_, last = err.splitlines()
    assert "info: PID 1 of its namespace" in first and "limit" not in first
    assert last.endswith("info: leaving with exit code 0: adopted 0, reaped 1")


def is_the_machines(group: Path) -> bool:
    """Whether it is the root of a hierarchy, and not what a cgroup namespace shows as its root."""
    v2 = (group / "cgroup.controllers").exists()
    return not (group / "cgroup.type").exists() if v2 else (group / "release_agent").exists()


@pytest.mark.parametrize("part", ["report.Report.received", "loop.Cgroup"])
def test_a_failure_inside_the_loop_ends_nothing(part: str) -> None:
    """A bug of ours is one line in the log, and the container lives on."""
    code = (
        "import sys, os; sys.path.insert(0, sys.argv[1])\n"
        "from reaper.init import loop, report, start\n"
        "def broken(*_): raise RuntimeError('a bug')\n"
        f"{part} = broken\n"
        "from reaper.init import kernel; kernel.block(kernel.CATCHABLE)\n"
        "start.run(sys.argv[2:], set())\n"
    )
    repo = str(Path(__file__).resolve().parents[2])
    command = [PYTHON, "-I", "-S", "-c", code, repo, "--", *victim("prints_signals")]
    with running(command) as started:
        started.wait_line("ready")
        for _ in range(3):
            started.kill(signal.SIGUSR1)
        eventually(lambda: started.popen.poll() is None, "alive")
        os.kill(started.main_pid, signal.SIGTERM)
        exit_code, _, err = started.finish()
    assert exit_code == 0
    assert err.count("internal error, please report: RuntimeError: a bug at ") == 1
