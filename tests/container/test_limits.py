"""Limits of the container's cgroup on memory and on the number of processes."""

import os
import re
import signal
from pathlib import Path

import pytest
from engines import Engine

pytestmark = pytest.mark.every_form

LIMITED = ["--memory", "64m", "--memory-swap", "64m"]


def test_out_of_memory_is_named(
    rootful: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # podman's conmon leaves a file there
    words = ["--", "python3", "-c", "bytearray(200 << 20)"]
    with rootful.container(*words, options=LIMITED) as container:
        assert container.wait() == 137
        assert "by the kernel: out of memory (" in container.log()
        assert "64 MiB" in container.log()


def test_a_kill_is_not_taken_for_it(rootful: Engine) -> None:
    with rootful.container("--", "sleep", "1000", options=LIMITED) as container:
        os.kill(container.main_pid, signal.SIGKILL)
        assert container.wait() == 137
        assert "killed by SIGKILL (9), not sent by us" in container.log()
        assert "out of memory" not in container.log()


def test_the_pids_limit_is_survived_and_said(rootful: Engine) -> None:
    """Main runs into the limit and goes on when there is room again, and the log says so."""
    words = ["--log-level", "info", "--", "python3", "/victims/fills_up.py"]
    with rootful.container(*words, options=["--pids-limit", "12"]) as container:
        assert container.wait() == 0
        assert "refused after 10\n" in container.log()
        assert "room again" in container.log()
        assert re.search(r"leaving with exit code 0: .*forks refused 1\b", container.log())


def test_no_room_for_main(rootful: Engine) -> None:
    with rootful.container("--", "true", options=["--pids-limit", "1"]) as container:
        assert container.wait() == 125
        assert 'cannot start "true": Resource temporarily unavailable' in container.log()
        assert "--pids-limit" in container.log()
