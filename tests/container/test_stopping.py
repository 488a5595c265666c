"""The engine's stop. The tests check what comes before its KILL, and never measure seconds.

An engine that has to send KILL says so in its events, and the exit code is 137.
"""

import pytest
from engines import Engine

pytestmark = pytest.mark.every_form

ENGINE_TIMEOUT = 60  # seconds until the engine's KILL; a test that gets there has failed


def test_a_service_ends_with_its_own_code(engine: Engine) -> None:
    script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 1 & wait; done"
    with engine.container("--", "sh", "-c", script) as container:
        container.wait_line("ready")
        container.stop(ENGINE_TIMEOUT)
        assert container.wait() == 7
        assert "bye" in container.log()


def test_the_default_action_of_term_reaches_main_below_pid_1(engine: Engine) -> None:
    """As PID 1, `sleep` would ignore TERM: the kernel does not apply default actions to PID 1."""
    with engine.container("--", "sleep", "1000") as container:
        container.has_children(1)
        container.stop(ENGINE_TIMEOUT)
        assert container.wait() == 143


def test_a_stop_can_count_as_success(engine: Engine) -> None:
    with engine.container("-e", "stop", "--", "sleep", "1000") as container:
        container.has_children(1)
        container.stop(ENGINE_TIMEOUT)
        assert container.wait() == 0


def test_a_deaf_service_ends_by_stop_timeout_before_the_engines_kill(engine: Engine) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 1; done"
    with engine.container("--stop-timeout", "0.5", "--", "sh", "-c", script) as container:
        container.wait_line("ready")
        container.stop(ENGINE_TIMEOUT)
        assert container.wait() == 137
        # The engine's KILL would have ended the init, too, and nothing would have been logged.
        assert "it outlived --stop-timeout" in container.log()


def test_without_stop_timeout_the_engines_kill_ends_it(engine: Engine) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 1; done"
    with engine.container("--", "sh", "-c", script) as container:
        container.wait_line("ready")
        container.kill("TERM")
        container.wait_line("so this stop does nothing")
        container.stop(1)
        assert container.wait() == 137
        assert "it outlived --stop-timeout" not in container.log()


def test_helpers_are_told_and_given_time(engine: Engine) -> None:
    """A helper in a session of its own gets TERM when main is gone, and time to finish."""
    helper = "trap 'echo flushed; exit' TERM; echo helper; while :; do sleep 1 & wait; done"
    script = f'setsid sh -c "{helper}" & exec sleep 1000'
    with engine.container("--", "sh", "-c", script) as container:
        container.wait_line("helper")
        container.stop(ENGINE_TIMEOUT)
        assert container.wait() == 143
        assert "flushed" in container.log()


def test_the_images_stop_signal_is_handed_on(engine: Engine) -> None:
    options = ["--stop-signal", "SIGUSR1"]
    script = "trap 'exit 9' USR1; echo ready; while :; do sleep 1 & wait; done"
    with engine.container("--", "sh", "-c", script, options=options) as container:
        container.wait_line("ready")
        container.stop(ENGINE_TIMEOUT)
        assert container.wait() == 9


@pytest.mark.parametrize("source", ["option", "environment"])
def test_rewrite(engine: Engine, source: str) -> None:
    options = ["--env", "REAPER_REWRITE=TERM=QUIT"] if source == "environment" else []
    words = ["--rewrite", "TERM=QUIT"] if source == "option" else []
    script = "trap 'exit 5' QUIT; echo ready; while :; do sleep 1 & wait; done"
    with engine.container(*words, "--", "sh", "-c", script, options=options) as container:
        container.wait_line("ready")
        container.stop(ENGINE_TIMEOUT)
        assert container.wait() == 5


def test_pause_and_unpause(rootful: Engine) -> None:
    """A container that was frozen and thawed still gets its signals."""
    with rootful.container("--", "python3", "/victims/prints_signals.py") as container:
        container.wait_line("ready")
        rootful("pause", container.name)
        assert container.inspect("State.Status") == "paused"
        rootful("unpause", container.name)
        container.kill("USR1")
        container.wait_line("10")


def test_who_came_by_exec_is_told_and_given_time(engine: Engine) -> None:
    guest = "trap 'echo flushed >/proc/1/fd/1; exit' TERM; echo guest >/proc/1/fd/1"
    guest += "; while :; do sleep 1 & wait; done"
    with engine.container("--", "sleep", "1000") as container:
        container.has_children(1)
        engine("exec", "--detach", container.name, "sh", "-c", guest)
        container.wait_line("guest")
        container.stop(ENGINE_TIMEOUT)
        assert container.wait() == 143
        assert "flushed" in container.log()
