"""Findings whose situation is recorded: control groups near their limits, a dead file server."""

import ast
from pathlib import Path

import pytest
from ctl import findings, reaperctl
from support import REPO

from reaper.inspector.answers.diagnosis import CHECKS

DATA = Path(__file__).parent.parent / "data" / "proc"
SEE = "see who holds it (reaperctl mem --by-command), or raise the limit (docker run --memory)"
OOM = "the processes wanted more memory than the limit allows, so the kernel killed one of them"
FORK = "threads and zombies count, too; at the limit every fork fails with EAGAIN"


def test_every_check_is_entered_under_the_key_of_its_findings() -> None:
    """With another key, --ignore would not know the key that a finding shows."""
    modules = (REPO / "reaper" / "inspector" / "answers" / "diagnosis").glob("*.py")
    made = {
        function.name: ast.literal_eval(call.args[0])
        for module in modules
        for function in ast.parse(module.read_text()).body
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Finding"
    }
    assert made == {check.__name__: key for key, check in CHECKS.items()}


@pytest.mark.parametrize("key", CHECKS)
def test_a_test_shows_every_finding(key: str) -> None:
    tests = [REPO / "tests" / "kernel" / "test_ctl_doctor.py", Path(__file__)]
    assert any(f"[{key}]" in test.read_text() for test in tests)


def test_cgroup_v1_of_a_docker_container() -> None:
    assert (
        findings("--root", str(DATA / "cgroup-v1" / "proc"))
        == f"""\
CRITICAL  the kernel killed 3 processes here: out of memory [oom-kills]
  seen   oom_kill is 3 in this control group, whose limit is 512M.
  cause  {OOM}.
  do     {SEE}.

CRITICAL  the memory limit is close: 498M of 512M [memory-limit]
  seen   97 % of the limit, page cache not counted; the peak was 512M.
  cause  at the limit the kernel kills a process of this container.
  do     {SEE}.

CRITICAL  the pids limit is close: 96 of 100 [pids-limit]
  seen   96 % of the limit.
  cause  {FORK}.
  do     find who starts so many (reaperctl tree), or raise the limit (docker run --pids-limit).
"""
    )


def test_cgroup_v2_of_a_pod_with_the_limit_on_the_level_above() -> None:
    found = findings("--root", str(DATA / "cgroup-v2" / "proc"), "--ignore", "zombies")
    assert (
        found
        == f"""\
CRITICAL  the kernel killed 1 process here: out of memory [oom-kills]
  seen   oom_kill is 1 in this control group, whose limit is 1.0G.
  cause  {OOM}.
  do     {SEE}.

CRITICAL  the memory limit is close: 972M of 1.0G [memory-limit]
  seen   95 % of the limit, page cache not counted.
  cause  at the limit the kernel kills a process of this container.
  do     {SEE}.

CRITICAL  the pids limit is close: 820 of 1024 [pids-limit]
  seen   80 % of the limit; 3 of them are zombies.
  cause  {FORK}.
  do     reap the zombies, see above.
"""
    )


def test_processes_that_wait_for_a_dead_file_server() -> None:
    assert (
        findings("--root", str(DATA / "stuck" / "proc"))
        == """\
CRITICAL  backup (7) is stuck in the kernel [uninterruptible]
  seen   state D for AGE, in rpc_wait_bit_killable: backup /mnt/nfs.
  cause  it waits for a disk, a network file system, a frozen control group or a driver; no signal \
gets through, not even KILL.
  do     bring back what it waits for; a restart of the container would hang as well.

CRITICAL  touch (8) is stuck in the kernel [uninterruptible]
  seen   state D for an unknown time, in a function that only root can see: touch /mnt/nfs/x.
  cause  it waits for a disk, a network file system, a frozen control group or a driver; no signal \
gets through, not even KILL.
  do     bring back what it waits for; a restart of the container would hang as well.

WARNING  1 zombie of PID 7 (backup) [zombies]
  seen   the oldest, sh (9), was started AGE ago; each holds a pid until its parent waits for it.
  cause  backup (7) is blocked inside the kernel in rpc_wait_bit_killable, so it cannot wait.
  do     the zombies go when it wakes up; reaperctl show 7 tells what it waits for.
"""
    )


@pytest.mark.parametrize(("limit", "code"), [("2", 1), ("3", 0)])
def test_zombies_accepts_up_to_max(limit: str, code: int) -> None:
    words = ("zombies", "--root", str(DATA / "cgroup-v2" / "proc"), "--max", limit)
    assert reaperctl(*words)[0] == code


def test_zombies_says_who_and_why() -> None:
    code, out, _ = reaperctl("zombies", "--root", str(DATA / "cgroup-v2" / "proc"))
    assert (code, out) == (1, """\
PPID PARENT COUNT OLDEST REASON      ZOMBIES
   7 app        3 16m39s never-waits 3 sh

app (7) never waits for its children.
  -> fix app (7): wait for every child; no init can help while it lives, but a restart of app (7) clears them.
""")  # fmt: skip  # noqa: E501
