"""Looking into a PID namespace from outside: every view shows the pids of both sides."""

import json
import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from ctl import reaperctl, root
from support import (
    Running,
    as_pid1,
    children,
    descendants,
    pid_inside,
    reaper,
    running,
    state,
    victim,
)

IDENTITY = "f00dfacef00d"


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An init, a main program that never waits, two zombies; and an engine that knows them as web.

    As engines do, it mounts a file whose path has the container's id.
    """
    folder = tmp_path_factory.mktemp("engine")
    (folder / IDENTITY).touch()
    (folder / "target").touch()
    script = f'mount --bind {folder}/{IDENTITY} {folder}/target; exec "$@"'
    service = reaper("--", *victim("never_waits", "2"))
    with running(as_pid1(["sh", "-c", script, "sh", *service])) as started:
        started.wait_line("ready")
        docker = folder / "docker"
        docker.write_text(f"#!/bin/sh\necho {started.pid} {IDENTITY}\n")
        docker.chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
            yield started


@pytest.fixture(params=["--root", "--container"])
def where(inside: Running, request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param, root(inside.pid) if request.param == "--root" else "web"


def both(inside: Running) -> dict[int, int]:
    """pid inside -> pid here."""
    return {pid_inside(pid): pid for pid in (inside.pid, *descendants(inside.pid))}


def answer(*words: str) -> dict[str, Any]:
    code, out, err = reaperctl(*words, "--json")
    assert code in (0, 1) and not err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize("view", ["ps", "tree", "mem", "top --interval 0.1", "ps --threads"])
def test_rows_have_both(view: str, inside: Running, where: tuple[str, str]) -> None:
    found = {row["pid"]: row["hostpid"] for row in answer(*view.split(), *where)["rows"]}
    dead = (
        {pid for pid, host in both(inside).items() if state(host) == "Z"} if view == "mem" else {}
    )
    assert found == {pid: host for pid, host in both(inside).items() if pid not in dead}
    lines = map(str.split, reaperctl(*view.split(), *where, "--sort", "pid")[1].splitlines())
    head, first = next(pair for pair in pairwise(lines) if pair[0][:1] == ["PID"])
    assert (head[1], first[:2]) == ("HOSTPID", ["1", str(inside.pid)])


def test_zombies_has_both(inside: Running, where: tuple[str, str]) -> None:
    pids = both(inside)
    main = pid_inside(children(inside.pid)[0])
    (found,) = answer("zombies", *where)["rows"]
    assert (found["ppid"], found["hostpid"]) == (main, pids[main])
    (found,) = answer("zombies", *where, "-o", "pids,hostpids")["rows"]
    assert found["hostpids"] == [pids[pid] for pid in found["pids"]]
    assert len(found["pids"]) == 2
    head, first, *_ = reaperctl("zombies", *where)[1].splitlines()
    assert head.split()[:2] == ["PPID", "HOSTPID"]
    assert first.split()[:2] == [str(main), str(pids[main])]


def test_doctor_has_both(inside: Running, where: tuple[str, str]) -> None:
    pids = both(inside)
    words = ("doctor", *where, "--ignore", "pids-limit,memory-limit,oom-kills")
    (found,) = answer(*words)["findings"]
    assert found["key"] == "zombies" and len(found["pids"]) == 2
    assert found["hostpids"] == [pids[pid] for pid in found["pids"]]
    said = ", ".join(f"{pid} is {pids[pid]}" for pid in found["pids"])
    assert reaperctl(*words)[1].splitlines()[-1] == f"  here   on this side {said}."


def test_show_has_both(inside: Running, where: tuple[str, str]) -> None:
    found = answer("show", "1", *where)
    assert (found["pid"], found["hostpid"]) == (1, inside.pid)
    lines = reaperctl("show", "1", *where)[1].splitlines()
    assert f"host pid    {inside.pid}" in lines


def test_kill_has_both(inside: Running, where: tuple[str, str]) -> None:
    found = answer("kill", "--parent", "0", "--dry-run", *where)
    assert [(row["pid"], row["hostpid"]) for row in found["rows"]] == [(1, inside.pid)]


def test_at_home_there_is_one_side() -> None:
    assert "HOSTPID" not in reaperctl("ps")[1]
    assert "host pid" not in reaperctl("show", "self")[1]
