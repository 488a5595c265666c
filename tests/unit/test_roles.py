"""Who is an init, and which children certainly were adopted."""

import pytest
from statline import stat_line

from reaper.inspector.answers.roles import adopted, is_init, starts_one
from reaper.inspector.reading.procfs import Process, Snapshot, parse_stat


def process(pid: int, command: str = "x", ppid: int = 1, sid: int = 1) -> Process:
    name = command.split(maxsplit=1)[0].rpartition("/")[2]
    line = stat_line(pid, name, ppid=ppid, pgrp=pid, session=sid, starttime=pid, vsize=4096, rss=1)
    stat = parse_stat(line)
    assert stat
    return Process(stat, argv=tuple(command.split()))


@pytest.mark.parametrize(
    ("command", "init", "one"),
    [
        ("/opt/reaper/reaper -- python3 -c init", True, True),
        ("/usr/bin/tini-static-amd64 -- x", True, True),
        ("dumb-init_1.2.5_x86_64 x", True, True),
        ("python3 -I -S -X utf8 /lib/reaper/__main__.py -- sh -c init", True, True),
        ("python3.13 -I -m reaper -- x", True, True),
        ("python3 reaper-0.1.0.pyz x", True, True),
        ("/usr/bin/python3 /usr/bin/supervisord -n", True, False),
        ("/sbin/init splash", True, False),
        ("busybox init", True, False),
        ("runsvdir -P /etc/service", True, False),
        ("terraform init", False, False),
        ("git -C /srv init", False, False),
        ("sh -c init", False, False),
        ("python3 -c pass init", False, False),
        ("initdb -D data", False, False),
        ("nginx", False, False),
    ],
)
def test_an_init_by_its_name_or_its_script(command: str, init: bool, one: bool) -> None:
    found = process(1, command)
    assert (is_init(found), starts_one(found)) == (init, one)


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        (process(1, "reaper -- x"), process(3), True),  # after its main program, 2
        (process(1, "supervisord"), process(3), False),  # a supervisor starts many children
        (process(1, "nginx"), process(3), False),
        (process(1, "nginx"), process(3, sid=3), False),  # the child made a session of its own
        (process(1, "nginx"), process(3, sid=4), True),  # another process made the child's session
        (process(7, "x", sid=6), process(9, ppid=7, sid=8), True),
        # The parent made a session of its own after the fork, and so left the child's session.
        (process(7, "x", sid=7), process(9, ppid=7, sid=6), False),
    ],
)
def test_the_marks_of_an_orphan(parent: Process, child: Process, expected: bool) -> None:
    snapshot = Snapshot((parent, process(2, ppid=parent.pid, sid=parent.stat.sid), child))
    assert adopted(child, parent, snapshot) == expected
