"""Tests leave the machine alone: what one leaves behind is named, with the module that left it.

Modules that each leave something behind run in namespaces of their own, so that nothing stays.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import machine
import pytest
from ctl import control_group, within
from support import REPO, as_pid1, run, running

V1 = Path("/sys/fs/cgroup/pids")
GROUP = (V1 if V1.exists() else V1.parent) / f"left-by-a-test-{os.getpid()}"

# What a test does, and the pattern of the report about it. Each test is a module of its own.
LEFT = [
    ("subprocess.Popen(['sleep', '60'])", r"\+ process sleep \(\d+\) of \S*test_0.py::test_it"),
    ("subprocess.run(['sh', '-c', 'setsid sleep 60 &'])",
     r"\+ process sleep \(\d+\) of \S*test_1.py::test_it"),
    ("subprocess.run(['mount', '-t', 'tmpfs', 'none', '/srv'])", r"\+ mount /srv tmpfs rw,\S+"),
    ("subprocess.run(['mount', '-o', 'remount,hidepid=1', '/proc'])",
     r"\+ mount /proc proc \S+,hidepid=noaccess; - mount /proc proc \S+"),
    ("pathlib.Path('/proc/sys/kernel/hostname').write_text('other')",
     r"\+ setting kernel/hostname = other; - setting kernel/hostname = \S+"),
    ("open('/etc/subuid', 'a').write('new:1:2\\n')", r"\+ user /etc/subuid new:1:2"),
    ("os.chmod('/var/tmp', 0o755)",
     r"\+ file /var/tmp drwxr-xr-x 0:0; - file /var/tmp drwxrwxrwt 0:0"),
    (f"os.mkdir('{GROUP}')", rf"\+ cgroup {GROUP}"),
    ("fcntl.ioctl(socket.socket(), 0x89A0, b'left')", r"\+ link left"),  # SIOCBRADDBR
]  # fmt: skip
CONFTEST = """
import machine as module
from machine import machine, machine_is_left_alone
module.PATIENCE = 0.2
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What pytest says of these modules, and of one that leaves nothing behind."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "subuid").touch()
    for number, statement in enumerate([*(statement for statement, _ in LEFT), "pass"]):
        text = f"import fcntl, os, pathlib, socket, subprocess\ndef test_it():\n    {statement}\n"
        (folder / f"test_{number}.py").write_text(text)
    mounts = "mount --bind subuid /etc/subuid && mount -t tmpfs none /var/tmp"
    script = f'{mounts} && exec "$@"'
    tests = [sys.executable, "-m", "pytest", "-q", "-rN", "-p", "no:cacheprovider", "."]
    command = as_pid1(["sh", "-c", script, "sh", *tests], "--uts", "--net")
    try:
        environ = {**os.environ, "PYTHONPATH": str(REPO / "tests")}
        yield run(command, cwd=folder, env=environ)[1]
    finally:
        if GROUP.exists():
            GROUP.rmdir()


@pytest.mark.parametrize("number", range(len(LEFT)))
def test_what_is_left_behind_is_named_in_one_line(number: int, told: str) -> None:
    expected = rf"(?m)^test_{number}\.py left the machine changed: {LEFT[number][1]}$"
    assert re.search(expected, told), told


def test_it_is_said_once_and_of_nobody_else(told: str) -> None:
    assert told.count("left the machine changed: ") == len(LEFT)
    assert f"{len(LEFT) + 1} passed, {len(LEFT)} errors" in told


def test_a_control_group_that_others_use_is_theirs() -> None:
    with control_group("pids", 10) as group:
        change = f"+ cgroup {group}"
        assert not machine.is_of_others(change, [])
        with running(within(group, "sh", "-c", "echo ready; read x")) as started:
            started.wait_line("ready")
            assert machine.is_of_others(change, [])
            assert not machine.is_of_others(change, [started.pid])


def test_what_moves_by_itself_is_no_change() -> None:
    lines = [f"setting kernel/ns_last_pid = {number}" for number in (1, 2)]
    before, after = (Counter([line, "link lo"]) for line in lines)
    assert machine.differences(before, after, machine.MOVES) == []
    assert machine.differences(before, after, ()) == [f"+ {lines[1]}", f"- {lines[0]}"]


def test_a_long_list_is_cut() -> None:
    said = machine.sentence("it", [f"+ link {number}" for number in range(9)])
    assert said.endswith("; + link 5; and 3 more") and "\n" not in said
