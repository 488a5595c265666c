"""reaperctl kill and --container on live processes, in PID namespaces of the test's own."""

import json
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import support
from ctl import reaperctl

from reaper.inspector.reading.procfs import Proc

CTL = [sys.executable, "-m", "reaper.inspector"]
STUBBORN = 'trap "" TERM; echo ready; read x'
FAMILY = "sleep 1000 & sleep 1000 & echo ready; wait"


def ctl(*args: str, **options: object) -> tuple[int, str, str]:
    return support.run([*CTL, *args], cwd=support.REPO, **options)


@contextmanager
def session(*command: str) -> Iterator[support.Running]:
    """A command in a session and group of its own. At the end nobody of the group is left, even if
    the command ended first."""
    with support.running(command, start_new_session=True) as leader:
        try:
            yield leader
        finally:
            with suppress(ProcessLookupError):
                os.killpg(leader.pid, 9)


def outcomes(out: str) -> dict[int, str]:
    return {row["pid"]: row["outcome"] for row in json.loads(out)["rows"]}


def test_one_that_ignores_term_is_killed() -> None:
    with support.running(["sh", "-c", STUBBORN]) as victim:
        victim.wait_line("ready")
        code, out, _ = ctl("kill", str(victim.pid), "--grace", "0.2", "--json")
        assert (code, outcomes(out)) == (0, {victim.pid: "killed"})
        assert victim.popen.wait(support.DEADLINE) == -9


def test_no_kill_leaves_it_and_says_so() -> None:
    with support.running(["sh", "-c", STUBBORN]) as victim:
        victim.wait_line("ready")
        code, out, _ = ctl("kill", str(victim.pid), "--grace", "0.2", "--no-kill", "--json")
        assert (code, outcomes(out)) == (1, {victim.pid: "remaining"})


def test_a_session_ends_whole_and_a_dry_run_ends_nobody() -> None:
    with session("sh", "-c", FAMILY) as victim:
        victim.wait_line("ready")
        members = {victim.pid, *support.descendants(victim.pid)}
        code, out, _ = ctl("kill", "--session", str(victim.pid), "--dry-run", "--json")
        assert (code, outcomes(out)) == (0, dict.fromkeys(members, "planned"))
        assert victim.popen.poll() is None
        code, out, _ = ctl("kill", "--session", str(victim.pid), "--json")
        assert (code, outcomes(out)) == (0, dict.fromkeys(members, "ended"))


CLAN = """\
sleep 1000 & sleep 1000 &
set -m; sleep 1000 & set +m
setsid sleep 1000 &
echo ready; wait; read x
"""


@pytest.mark.parametrize(
    ("words", "hit"),
    [
        (("--name", "^sleep$"), {"sleep": 4}),
        (("--group", "{leader}"), {"bash": 1, "sleep": 2}),
        (("--session", "{leader}"), {"bash": 1, "sleep": 3}),
        (("--tree", "{leader}"), {"bash": 1, "sleep": 4}),
        (("--parent", "{leader}"), {"sleep": 4}),
        (("--name", "^bash$", "--tree"), {"bash": 1, "sleep": 4}),
    ],
)
def test_whom_it_hits(words: tuple[str, ...], hit: dict[str, int]) -> None:
    """A leader has two descendants in its group, one more in its session, and one in another
    session. A process that is none of these must stay alive. First comes a dry run."""
    service = support.reaper("--", "sh", "-c", 'exec 3<&0; setsid bash -c "$0" <&3 & read x', CLAN)
    with support.running(support.as_pid1(service)) as inside:
        inside.wait_line("ready")
        proc = Proc(f"/proc/{inside.pid}/root/proc")

        def living() -> Counter[str]:
            return Counter(p.stat.comm for p in proc.snapshot() if p.stat.state not in "ZX")

        support.eventually(lambda: living()["sleep"] == 4)
        before = living()
        leader = next(p.pid for p in proc.snapshot() if p.stat.comm == "bash")
        command = ["kill", "--root", proc.root, *(word.format(leader=leader) for word in words)]
        for more, outcome in (("--dry-run",), "planned"), ((), "ended"):
            assert living() == before
            code, out, err = reaperctl(*command, *more, "--json")
            found = json.loads(out)["rows"]
            assert (code, err) == (0, "")
            assert {row["outcome"] for row in found} == {outcome}
            assert Counter(row["comm"] for row in found) == hit
        assert living() == before - Counter(hit)


def test_a_dry_run_shows_the_list() -> None:
    with session("sh", "-c", FAMILY) as victim:
        victim.wait_line("ready")
        support.eventually(lambda: len(support.children(victim.pid)) == 2)
        code, out, err = ctl("kill", "--session", str(victim.pid), "--dry-run", "--no-headers")
        assert (code, err) == (0, "")
        members = sorted([victim.pid, *support.children(victim.pid)])
        assert [line.split(None, 1)[0] for line in out.splitlines()] == [*map(str, members)]
        assert all(line.endswith("would get SIGTERM") for line in out.splitlines())


def test_never_pid_1_itself_or_what_it_runs_below(tmp_path: Path) -> None:
    """reaperctl runs in the tree that it is told to end."""
    asleep = "until read -r name </proc/$!/comm && [ $name = sleep ]; do :; done"
    ctl = shlex.join([*CTL, "kill", "--tree", "1", "--json"])
    script = f"sleep 1000 & echo ready; {asleep}; {ctl}; echo $?; true"
    service = support.reaper("--", "sh", "-c", script)
    with support.running(support.as_pid1(service), cwd=support.REPO) as inside:
        inside.wait_line("ready")
        _, out, err = inside.finish()
    answer, _, code = out.rstrip().rpartition("\n")
    found = {row["comm"]: row for row in json.loads(answer)["rows"]}
    assert (code, err) == ("1", "")
    assert found.pop("sleep")["outcome"] == "ended"
    assert {row["outcome"] for row in found.values()} == {"refused"}
    assert found.pop("sh")["result"] == "refused: an ancestor of this reaperctl"
    assert sorted(row["result"] for row in found.values()) == [
        "refused: PID 1: its end is the end of the container; docker stop does that from outside",
        "refused: this reaperctl",
    ]


def test_a_stopped_process_ends_by_term() -> None:
    with support.running(["sh", "-c", "echo ready; read x"]) as victim:
        victim.wait_line("ready")
        victim.kill(19)
        support.eventually(lambda: support.state(victim.pid) == "T")
        code, out, _ = ctl("kill", str(victim.pid), "--json")
        assert (code, outcomes(out)) == (0, {victim.pid: "ended"})


@pytest.mark.parametrize("option", ["--newest", "--oldest"])
def test_the_newest_of_a_group_is_one(option: str) -> None:
    """When the newest has ended, reaperctl does not go on to the next newest."""
    with session("sh", "-c", FAMILY) as victim:
        victim.wait_line("ready")
        support.eventually(lambda: len(support.children(victim.pid)) == 2)
        members = [victim.pid, *support.children(victim.pid)]  # as they were started
        one = members[-1] if option == "--newest" else members[0]
        words = ("kill", "--session", str(victim.pid), option, "--json")
        assert outcomes(ctl(*words, "--dry-run")[1]) == {one: "planned"}
        assert outcomes(ctl(*words)[1]) == {one: "ended"}
        assert all(support.state(pid) == "S" for pid in members if pid != one)


def test_the_newest_of_some_pids_and_of_a_user() -> None:
    """The newest of those named, not of all; never reaperctl itself, which is newer than all."""
    with support.running(["sleep", "60"]) as older, support.running(["sleep", "60"]):
        words = ("kill", str(older.pid), "--newest", "--dry-run", "--json")
        assert outcomes(ctl(*words)[1]) == {older.pid: "planned"}
    service = support.reaper("--", "sh", "-c", "sleep 60 & echo ready; wait")
    with support.running(support.as_pid1(service)) as inside:
        inside.wait_line("ready")
        [newest] = support.children(inside.main_pid)
        enter = [*support.entering(inside.pid), f"--wd={support.REPO}"]
        words = [*enter, *CTL, "kill", "--user", "0", "--newest", "--dry-run", "--json"]
        assert outcomes(support.run(words)[1]) == {support.pid_inside(newest): "planned"}


def test_a_main_thread_that_ended_is_no_zombie() -> None:
    service = support.reaper("--", *support.victim("ends_main_thread"))
    with support.running(support.as_pid1(service)) as inside:
        inside.wait_line("ready")
        support.eventually(lambda: support.state(inside.main_pid) == "Z")
        where = ("--root", f"/proc/{inside.pid}/root/proc")
        assert reaperctl("zombies", *where)[:2] == (0, "no zombies\n")
        assert "its main thread has ended" in reaperctl("show", "2", *where)[1]
        code, out, _ = reaperctl("kill", "2", *where, "--json")
        assert (code, outcomes(out)) == (0, {2: "ended"})
        assert inside.finish()[0] == 128 + 15


def test_pidfds_that_are_not_permitted_are_one_line(tmp_path: Path) -> None:
    inject = support.under_strace(tmp_path / "log", "pidfd_open", "pidfd_open:error=EPERM")
    with support.running(["sleep", "60"]) as victim:
        words = [*inject, *CTL, "kill", str(victim.pid)]
        assert support.run(words, cwd=support.REPO) == (
            2, "", "reaperctl: pidfd_open is not permitted here: seccomp has to allow it\n",
        )  # fmt: skip


def test_what_forks_meanwhile_is_found_by_its_session() -> None:
    with session(*support.victim("forks_on", "1000")) as victim:
        victim.wait_line("ready")
        code, out, err = ctl("kill", "--session", str(victim.pid), "--json")
        assert (code, err) == (0, "")
        assert set(outcomes(out).values()) <= {"ended", "gone", "zombie"}
        members = [p for p in Proc().snapshot() if p.stat.sid == victim.pid]
        assert [p.pid for p in members if not p.stat.zombie] == []


def test_one_that_is_not_ours_is_denied_and_left() -> None:
    other = ["setpriv", "--reuid", "65534", "--clear-groups", "sh", "-c", "echo ready; read x"]
    weak = ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"]
    with support.running(other) as victim:
        victim.wait_line("ready")
        code, out, _ = support.run(
            [*weak, *CTL, "kill", str(victim.pid), "--json"], cwd=support.REPO
        )
        assert (code, outcomes(out)) == (1, {victim.pid: "denied"})
        assert victim.popen.poll() is None


def test_pid_1_and_ancestors_are_refused() -> None:
    code, out, _ = ctl("kill", f"1,{os.getpid()}", "--json")
    assert (code, outcomes(out)) == (1, {1: "refused", os.getpid(): "refused"})


def test_bad_input_is_one_line() -> None:
    code, out, err = ctl("kill")
    assert (code, out) == (2, "")
    assert err == (
        "reaperctl: name pids, or a filter such as --name; --dry-run shows whom it would hit\n"
    )
    assert ctl("kill", "4194304")[0] == 2


def test_a_container_by_name_with_pids_of_both_sides(tmp_path: Path) -> None:
    identity = "f00dfacef00d"
    mark = tmp_path / identity
    mark.touch()
    (tmp_path / "target").touch()
    # As engines do, mount a file whose path has the container's id.
    script = f"mount --bind {mark} {tmp_path}/target; {FAMILY}"
    with support.running(support.as_pid1(["sh", "-c", script])) as inside:
        inside.wait_line("ready")
        docker = tmp_path / "docker"
        docker.write_text(f"#!/bin/sh\necho {inside.pid} {identity}\n")
        docker.chmod(0o755)
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        code, out, err = ctl("ps", "--container", "web", "--json", env=environment)
        assert (code, err) == (0, "")
        rows = json.loads(out)["rows"]
        hosts = [inside.pid, *support.descendants(inside.pid)]
        assert [row["hostpid"] for row in rows] == hosts
        assert rows[0]["pid"] == 1
        last = str(rows[-1]["pid"])
        code, out, _ = ctl("kill", last, "--container", "web", "--json", env=environment)
        assert (code, outcomes(out)) == (0, {int(last): "ended"})
        support.eventually(lambda: support.state(hosts[-1]) in "XZ")
        docker.write_text(f"#!/bin/sh\necho {inside.pid} another-id\n")
        code, _, err = ctl("ps", "--container", "web", env=environment)
        assert code == 2
        assert "that is another process here" in err
