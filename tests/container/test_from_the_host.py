"""`reaperctl --container NAME` on the engine's host: what it says about a real container."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from engines import Container, Engine
from support import children

pytestmark = pytest.mark.every_form

LEAKED = 5


@pytest.fixture(scope="module")
def leaky(rootful: Engine) -> Iterator[Container]:
    """A container whose main lives and never waits for its dead children: no init can help."""
    command = ["python3", "/victims/never_waits.py", str(LEAKED)]
    with rootful.container("--", *command) as container:
        container.wait_line("ready")
        yield container


def told(command: str, container: Container, code: int) -> Any:
    """The JSON object that a command prints. It must exit with this code."""
    done = container.reaperctl(command, "--json")
    assert (done.returncode, done.stderr) == (code, "")
    return json.loads(done.stdout)


def test_ps_has_the_pids_of_both_sides(leaky: Container) -> None:
    first, main = leaky.pid, leaky.main_pid
    table = leaky.reaperctl("ps").stdout.splitlines()
    assert table[0].split()[:3] == ["PID", "HOSTPID", "PPID"]
    assert table[1].split()[:3] == ["1", str(first), "0"]
    inside = {int(row.split()[1]): int(row.split()[0]) for row in table[1:]}
    assert set(inside) == {first, main, *children(main)}
    assert {int(row.split()[2]) for row in table[3:]} == {inside[main]}


def test_zombies_names_the_parent(leaky: Container) -> None:
    [row] = told("zombies", leaky, 1)["rows"]
    assert (row["parent"], row["count"], row["reason"]) == ("python3", LEAKED, "never-waits")


def test_doctor_names_whose_fault_it_is(leaky: Container) -> None:
    [finding] = told("doctor", leaky, 1)["findings"]
    assert finding["key"] == "zombies"
    assert "no init can help" in finding["cure"]


def test_doctor_finds_nothing_in_a_healthy_one(rootful: Engine) -> None:
    with rootful.container("--", "sh", "-c", "echo ready; exec sleep 1000") as container:
        container.wait_line("ready")
        container.has_children(1)
        assert told("doctor", container, 0)["findings"] == []


def test_a_container_that_has_ended(rootful: Engine) -> None:
    with rootful.container("--", "true") as container:
        container.wait()
        done = container.reaperctl("ps")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{rootful}: the container is not running" in done.stderr
        assert done.stderr.count("\n") == 1
