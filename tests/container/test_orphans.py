"""Orphans become children of PID 1: those of main, and those that `exec` leaves behind."""

import pytest
from engines import Engine
from support import children, eventually, state

pytestmark = pytest.mark.every_form

ORPHANS = 5
# The shell ends at once. Its children become children of the container's first process.
LEAVE = ["sh", "-c", "for i in $(seq 5); do sleep 0.05 & done"]


def test_orphans_of_exec_are_reaped(engine: Engine) -> None:
    with engine.container("--", "sleep", "1000") as container:
        container.has_children(1)
        container.exec(*LEAVE)
        container.has_children(1)
        eventually(lambda: state(container.main_pid) == "S", "main alive, and at rest")


def test_without_an_init_they_stay(engine: Engine) -> None:
    """The counter-check: in a container without an init, the same look finds zombies."""
    with engine.container("1000", options=["--entrypoint", "sleep"]) as container:
        container.exec(*LEAVE)
        eventually(lambda: len(container.zombies()) == ORPHANS, f"{ORPHANS} zombies")


def test_orphans_of_main_are_reaped_and_told(engine: Engine) -> None:
    script = "for i in $(seq 5); do sh -c 'sleep 0.05 &'; done; echo ready; exec sleep 1000"
    with engine.container("-w", "--", "sh", "-c", script) as container:
        container.wait_line("ready")
        container.has_children(1)
        eventually(lambda: container.log().count("reaped") == ORPHANS, "a line for each orphan")


def test_under_the_engines_own_init(engine: Engine) -> None:
    """`--init` puts an init above ours. Ours is not PID 1, still adopts, and says so."""
    words = ["--log-level", "debug", "--", "sh", "-c", "sh -c 'sleep 0.05 &'; exec sleep 1000"]
    with engine.container(*words, options=["--init"]) as container:
        ours = container.main_pid
        main = eventually(lambda: children(ours), "main of our init")[0]
        eventually(lambda: children(ours) == [main], "the orphan reaped")
        assert "subreaper" in container.log()
        container.stop(60)
        assert container.wait() == 143
