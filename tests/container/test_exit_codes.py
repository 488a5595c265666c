"""The exit code and the log that the engine shows to a user after the end of a container."""

import pytest
from engines import Engine

pytestmark = pytest.mark.every_form

ENDS = {
    "success": (["sh", "-c", "exit 0"], 0, ""),
    "own code": (["sh", "-c", "exit 42"], 42, ""),
    "not executable": (["/etc/passwd"], 126, 'exec "/etc/passwd"'),
    "not found": (["no-such-program"], 127, 'exec "no-such-program": not found'),
    "killed": (["sh", "-c", "kill -KILL $$"], 137, ""),
    "terminated": (["sh", "-c", "kill -TERM $$"], 143, ""),
}


@pytest.mark.parametrize("end", ENDS)
def test_code_and_message(engine: Engine, end: str) -> None:
    command, code, message = ENDS[end]
    with engine.container("--", *command) as container:
        assert container.wait() == code
        assert container.inspect("State.ExitCode") == code
        assert message in container.log()


def test_bad_option(engine: Engine) -> None:
    with engine.container("--no-such-option", "true") as container:
        assert container.wait() == 125
        assert len(container.log().splitlines()) == 2
        assert '"--no-such-option"' in container.log()


RESTARTS = {
    "failure is tried again": (["--", "sh", "-c", "exit 3"], 2, 3),
    "success is not": (["--", "true"], 0, 0),
    "an expected code is success": (["-e", "3", "--", "sh", "-c", "exit 3"], 0, 0),
}


@pytest.mark.parametrize("case", RESTARTS)
def test_restart_policy_sees_the_code(engine: Engine, case: str) -> None:
    command, restarts, code = RESTARTS[case]
    with engine.container(*command, options=["--restart", "on-failure:2"]) as container:
        container.ends(restarts)
        assert container.inspect("State.ExitCode") == code


def test_the_log_is_complete(engine: Engine) -> None:
    """Both streams up to the last byte, and an orphan that writes after main has ended."""
    script = "seq 20000; seq 20000 >&2; trap '' TERM; (sleep 0.2; echo last) & exit 0"
    lines = "".join(f"{number}\n" for number in range(1, 20001))
    with engine.container("--", "sh", "-c", script) as container:
        assert container.wait() == 0
        done = engine("logs", container.name)
        assert done.stdout.removeprefix(lines) == "last\n"
        assert done.stderr.removeprefix(lines) == ""
