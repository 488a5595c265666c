"""`reaperctl --container NAME` on the engine's host: what it says of a real container."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from engines import Container, Engine
from support import children, eventually, state

LEAKED = 5
# Main's children end, and main, their parent, never waits.
LEAKY = ["python3", "/victims/never_waits.py", str(LEAKED)]


@pytest.fixture(scope="module")
def leaky(rootful: Engine) -> Iterator[Container]:
    with rootful.container("--", *LEAKY) as container:
        main = container.main
        eventually(lambda: [state(pid) for pid in children(main)] == ["Z"] * LEAKED, "zombies")
        yield container


def reaperctl(container: Container, command: str, *words: str) -> Any:
    """The JSON that a command prints of the container."""
    done = subprocess.run(
        [sys.executable, "-m", "reaper.inspector", command, "--json"]
        + ["--container", container.name, *words],
        env=container.engine.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == (command in ("doctor", "zombies"))  # 1: something was found
    return json.loads(done.stdout)


def test_ps_shows_the_pids_of_both_sides(leaky: Container) -> None:
    first, main = leaky.pid, leaky.main
    rows = reaperctl(leaky, "ps")["rows"]
    pids = {row["pid"]: row["hostpid"] for row in rows}
    assert len(pids) == 2 + LEAKED
    assert pids[1] == first
    assert {row["ppid"] for row in rows if row["hostpid"] == main} == {1}
    assert {row["hostpid"] for row in rows if row["state"] == "Z"} == set(children(main))
