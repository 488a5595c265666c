"""reaperctl kill and --container on live processes, in PID namespaces of the test's own."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import support

from reaper.inspector.procfs import Proc

CTL = [sys.executable, "-m", "reaper.inspector"]
STUBBORN = 'trap "" TERM; echo ready; while :; do sleep 1000; done'
FAMILY = "sleep 1000 & sleep 1000 & echo ready; wait"


def ctl(*args: str, **options: object) -> tuple[int, str, str]:
    return support.run([*CTL, *args], cwd=support.REPO, **options)


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
        assert (code, outcomes(out)) == (1, {victim.pid: "left"})


def test_a_session_ends_whole_and_a_dry_run_ends_nobody() -> None:
    with support.running(["sh", "-c", FAMILY], start_new_session=True) as victim:
        victim.wait_line("ready")
        members = {victim.pid, *support.descendants(victim.pid)}
        code, out, _ = ctl("kill", "--session", str(victim.pid), "--dry-run", "--json")
        assert (code, outcomes(out)) == (0, dict.fromkeys(members, "planned"))
        assert victim.popen.poll() is None
        code, out, _ = ctl("kill", "--session", str(victim.pid), "--json")
        assert (code, outcomes(out)) == (0, dict.fromkeys(members, "ended"))


def test_a_stopped_process_ends_by_term() -> None:
    with support.running(["sh", "-c", "echo ready; read x"]) as victim:
        victim.wait_line("ready")
        victim.kill(19)
        support.eventually(lambda: support.state(victim.pid) == "T")
        code, out, _ = ctl("kill", str(victim.pid), "--json")
        assert (code, outcomes(out)) == (0, {victim.pid: "ended"})


def test_what_forks_meanwhile_is_found_by_its_session() -> None:
    with support.running(support.victim("forks_on", "1000"), start_new_session=True) as victim:
        victim.wait_line("ready")
        try:
            code, out, err = ctl("kill", "--session", str(victim.pid), "--json")
            assert (code, err) == (0, "")
            assert set(outcomes(out).values()) <= {"ended", "gone", "zombie"}
            members = [p for p in Proc().snapshot() if p.stat.sid == victim.pid]
            assert [p.pid for p in members if not p.stat.zombie] == []
        finally:
            with suppress(ProcessLookupError):
                os.killpg(victim.pid, 9)


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
