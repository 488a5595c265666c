"""/proc as it is written down: names with anything in them, torn lines, processes that vanish."""

import os
import threading
from pathlib import Path

import pytest
from ctl import rows
from hypothesis import given
from hypothesis import strategies as st
from statline import stat_line

from reaper.inspector.answers.anatomy import kind_of_descriptor
from reaper.inspector.errors import UserError
from reaper.inspector.reading import cgroup, procfs
from reaper.inspector.reading.files import (
    Limit,
    Mount,
    parse_last_ran,
    parse_limits,
    parse_mountinfo,
    parse_smaps,
)
from reaper.inspector.reading.procfs import (
    HZ,
    PAGE,
    Membership,
    Proc,
    parse_argv,
    parse_cgroup,
    parse_memory,
    parse_stat,
    parse_wchan,
)
from reaper.inspector.render.columns import tty_name

DATA = Path(__file__).parent.parent / "data" / "proc"
LINE = stat_line(
    17, ppid=1, pgrp=2, session=3, flags=4194560, minflt=1, cminflt=2, majflt=3, cmajflt=4,
    utime=250, stime=50, cutime=7, cstime=8, nice=-5, num_threads=6, starttime=4200, vsize=8192,
    rss=3,
)  # fmt: skip


@given(st.binary(max_size=64).filter(lambda name: b"\0" not in name))
def test_a_name_ends_at_the_last_parenthesis(name: bytes) -> None:
    stat = parse_stat(LINE.replace(b"(x)", b"(%b)" % name))
    assert stat is not None
    assert os.fsencode(stat.comm) == name
    assert (stat.pid, stat.state, stat.ppid, stat.pgid, stat.sid) == (17, "S", 1, 2, 3)


def test_every_number_has_its_place() -> None:
    assert parse_stat(LINE) == procfs.Stat(
        pid=17, comm="x", state="S", ppid=1, pgid=2, sid=3, tty=0, tpgid=-1, flags=4194560,
        minflt=1, majflt=3, user=250 / HZ, system=50 / HZ, priority=20, nice=-5, threads=6,
        start=4200 / HZ, vss=8192, rss=3 * PAGE, processor=None,
    )  # fmt: skip


def test_a_zombie_has_no_memory_rather_than_none_of_it() -> None:
    stat = parse_stat(LINE.replace(b" 8192 3", b" 0 0"))
    assert stat and stat.vss is None and stat.rss is None


@given(st.binary(max_size=200))
def test_no_bytes_break_a_parser(data: bytes) -> None:
    parse_stat(data)
    parse_argv(data)
    parse_memory(data)
    parse_smaps(data)
    list(parse_limits(data))
    list(parse_mountinfo(data))
    parse_last_ran(data)
    parse_cgroup(data)
    parse_wchan(data)
    status = procfs.Status(data)
    for seen in (status.uids, status.gids, status.nspids, status.signals(b"SigBlk")):
        assert seen is None or list(seen) is not None


@given(st.integers(len(b"17 (x) "), len(LINE)))
def test_a_torn_line_is_unknown_or_the_same(length: int) -> None:
    stat = parse_stat(LINE[:length])
    assert stat is None or stat.ppid == 1


@given(st.lists(st.binary(min_size=1).filter(lambda word: b"\0" not in word), min_size=1))
def test_arguments_come_back_byte_for_byte(words: list[bytes]) -> None:
    assert [os.fsencode(word) for word in parse_argv(b"\0".join(words) + b"\0")] == words


def test_status_lines() -> None:
    status = procfs.Status(
        b"Name:\tx\nUid:\t1\t2\t3\t4\nVmLck:\t  12 kB\nSigBlk:\t0000000100004001\nCut:\t1"
    )
    assert status.uids == (1, 2, 3, 4)
    assert status.size(b"VmLck") == 12 * 1024
    assert status.signals(b"SigBlk") == {1, 15, 33}
    assert status.line(b"Name") == b"x"
    assert status.line(b"Cut") is None  # no end of line: torn
    assert status.gids is None


def test_the_odd_tree() -> None:
    snapshot = Proc(str(DATA / "odd" / "proc")).snapshot(("status", "argv"))
    by_pid = snapshot.by_pid
    assert {50, 51}.isdisjoint(by_pid)
    assert by_pid[8].stat.comm == "a b) (c) S 99"
    assert by_pid[9].argv == ("two\nlines", "\udcff\udcfe")
    assert by_pid[7].argv == ("app", "--flag", "", "last")
    assert by_pid[10].command == "[gone]" and by_pid[10].stat.zombie
    assert by_pid[11].stat.kernel and by_pid[11].stat.rss is None
    assert by_pid[60].status and by_pid[60].status.uids is None
    assert by_pid[7].age == 999.0
    assert by_pid[7].memory is None
    assert snapshot.own is None and not snapshot.hidden


def test_a_hybrid_of_v1_and_v2_has_a_control_group_in_each_hierarchy() -> None:
    proc = Proc(str(DATA / "hybrid" / "proc"))
    main, other = proc.snapshot(("cgroup",))
    assert main.cgroup == (
        Membership(("name=systemd",), "/"),
        Membership(("pids",), "/"),
        Membership(("memory",), "/docker/3f2a"),
        Membership(("cpu", "cpuacct"), "/"),
        Membership((), "/"),
    )
    assert [str(each) for each in main.cgroup[-2:]] == ["cpu,cpuacct:/", "unified:/"]
    assert [each.path for each in other.cgroup or ()] == ["/"] * 5
    assert cgroup.read(proc).memory == cgroup.Level(1 << 20, 1 << 26)


@pytest.mark.parametrize(
    ("tree", "words", "shown"),
    [
        ("hybrid", (), ["/docker/3f2a", "/"]),  # as ps -o cgroup: what is below the root
        ("hybrid", ("--cgroup", "^/docker/"), ["/docker/3f2a"]),
        ("hybrid", ("--cgroup", "memory"), []),  # a controller, no path
        ("cgroup-v1", ("1",), ["/docker/3f2a,/system.slice/containerd.service"]),
        ("cgroup-v2", ("1",), ["/kubepods/pod7/web"]),
    ],
)
def test_the_column_of_control_groups(tree: str, words: tuple[str, ...], shown: list[str]) -> None:
    found = rows("ps", "--root", str(DATA / tree / "proc"), "-o", "cgroup", *words)
    assert [row["cgroup"] for row in found] == shown


@pytest.mark.parametrize("data", [b"", b"\n", b"0:", b"0::", b"4:memory", b"4:memory:x\n"])
def test_a_torn_line_of_a_control_group_is_left_out(data: bytes) -> None:
    assert parse_cgroup(data) == ()
    assert parse_cgroup(data + b"\n0::/a:b\x0b\n")[-1:] == (Membership((), "/a:b\x0b"),)


def test_a_thread_has_the_pid_of_its_process_outside() -> None:
    proc = Proc()
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait)
    thread.start()
    try:
        tasks = proc.threads(os.getpid(), ("hostpid", "machine"))
    finally:
        leave.set()
        thread.join()
    assert len(tasks) > 1
    assert {(task.hostpid, task.machine) for task in tasks} == {(os.getpid(), proc.machine)}


def test_what_a_process_sleeps_in() -> None:
    main, other = Proc(str(DATA / "hybrid" / "proc")).snapshot(("wchan",))
    assert (main.wchan, other.wchan) == ("do_sigtimedwait", None)
    assert parse_wchan(b"") is None


def test_files_that_few_commands_read() -> None:
    proc = Proc(str(DATA / "hybrid" / "proc"))
    assert list(parse_limits(proc.read("1/limits"))) == [
        Limit("cpu time", None, None, "seconds"),
        Limit("open files", 1024, 524288, "files"),
        Limit("nice priority", 0, 0, ""),
    ]
    assert parse_last_ran(proc.read("7/sched")) == 280000.512220 / 1000
    memory, *_, unified = parse_mountinfo(proc.read("1/mountinfo"))
    assert memory == Mount("/", "/sys/fs/cgroup/memory", "cgroup", ("rw", "memory"))
    assert unified.kind == "cgroup2"
    spaced = next(iter(parse_mountinfo(b"1 2 0:3 / /a\\040b rw - cgroup2 none rw")))
    assert spaced.point == "/a b"


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_root_without_processes_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="is /proc mounted"):
        Proc(str(tmp_path / name)).snapshot()


def test_a_folder_held_open_never_speaks_of_a_successor() -> None:
    """If the pid is reused meanwhile, we read the old process or nothing, never the new one."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    folder = os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY)
    try:
        os.waitpid(pid, 0)
        with pytest.raises(ProcessLookupError):
            procfs.read_file("stat", folder)
    finally:
        os.close(folder)


@pytest.mark.parametrize(
    ("device", "name"),
    [
        (0, None), (0x8803, "pts/3"), (0x8903, "pts/259"), (0x0401, "tty1"), (0x0440, "ttyS0"),
        (0x0501, "console"), (0xCC40, "204:64"),
    ],
)  # fmt: skip
def test_terminals_by_device(device: int, name: str | None) -> None:
    assert tty_name(device) == name


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("socket:[1]", "socket"), ("pipe:[1]", "pipe"), ("/dev/pts/0", "terminal"),
        ("/dev/null", "device"), ("anon_inode:[eventpoll]", "eventpoll"),
        ("anon_inode:inotify", "inotify"), ("/memfd:x (deleted)", "memfd"), ("/etc/x", "file"),
        ("mqueue:x", "other"),
    ],
)  # fmt: skip
def test_descriptors_by_kind(link: str, kind: str) -> None:
    assert kind_of_descriptor(link) == kind
