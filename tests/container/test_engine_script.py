"""engine.sh on made-up systems: with another PATH and another root folder, and no real engine.

Each command of such a system is a stub that writes down how it was called.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from engines import HERE

# Commands that every system has. The script needs no others.
TOOLS = ("cat", "chmod", "dirname", "grep", "rm", "sed", "setsid", "sh", "sleep", "tail", "true")
NO_ENGINE = {"docker": "exit 1"}  # only the client: nothing answers it
EVERYTHING = {**NO_ENGINE, **dict.fromkeys(("docker-compose", "podman", "newuidmap"), ":")}
DPKG = {"dpkg-query": ":"}  # no package is installed
AS_ROOT = {"id": "echo 0", "useradd": ":"}
AS_USER = {"id": "echo 1000"}
# The stub of dockerd makes a file, and while that is there, the stub of docker gets an answer.
DOCKER = "[ -e $TEST_ROOT/answers ]"
DOCKERD = "echo ready >$TEST_ROOT/answers; while [ -e $TEST_ROOT/answers ]; do sleep 0.05; done"

System = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def on(tmp_path: Path) -> System:
    """Run `engine.sh start` on a system with these commands. Returns code, last line and calls."""

    def start(
        commands: dict[str, str], distribution: str = "debian", version: str = "12"
    ) -> tuple[int, str, list[str]]:
        programs, calls = tmp_path / "bin", tmp_path / "calls"
        for folder in (programs, *(tmp_path / name for name in ("etc", "run", "usr/sbin"))):
            folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / "var/log").mkdir(parents=True)
        release = f"NAME=any\nID={distribution}\n" + (version and f'VERSION_ID="{version}"\n')
        (tmp_path / "etc/os-release").write_text(release)
        for tool in TOOLS:
            (programs / tool).symlink_to(str(shutil.which(tool)))
        for name, script in commands.items():
            stub = programs / name
            stub.write_text(f'#!/bin/sh\necho "{name} $*" >>"{calls}"\n{script}\n')
            stub.chmod(0o755)
        environment = {"PATH": str(programs), "TEST_ROOT": str(tmp_path)}
        done = subprocess.run(
            [HERE / "engine.sh", "start"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        called = calls.read_text().splitlines() if calls.exists() else []
        return done.returncode, (done.stdout.splitlines() or [""])[-1], called

    return start


def test_an_engine_that_runs_is_used(on: System) -> None:
    code, line, calls = on({**EVERYTHING, **AS_USER, "docker": ":"})
    assert (code, line) == (0, "running")
    assert not any(call.startswith(("apt-get", "useradd", "dockerd")) for call in calls)


def test_no_engine_and_not_root(on: System) -> None:
    code, line, _ = on({**EVERYTHING, **AS_USER, "dockerd": ":"})
    assert code == 1
    assert line.endswith("only root may start one: start yours, or run the tests as root")


def test_nothing_is_there_and_not_root(on: System) -> None:
    code, line, calls = on({**AS_USER, **DPKG, "apt-get": ":"})
    assert code == 1
    assert line == "install them (Debian's names), or run make test as root on Debian or Ubuntu"
    assert not any(call.startswith("apt-get") for call in calls)


def test_root_on_a_system_without_apt(on: System) -> None:
    code, line, _ = on({**AS_ROOT, **DPKG}, "fedora")
    assert code == 1
    assert line == "install them (Debian's names), or run make test as root on Debian or Ubuntu"


@pytest.mark.parametrize(
    ("distribution", "version", "packages"),
    [
        ("debian", "12", "docker.io docker-compose podman uidmap"),
        ("debian", "13", "docker.io docker-cli docker-compose podman nftables aardvark-dns uidmap"),
        (
            "debian",
            "",
            "docker.io docker-cli docker-compose podman nftables aardvark-dns uidmap",
        ),  # testing
        ("ubuntu", "24.04", "docker.io docker-compose-v2 podman uidmap"),
    ],
)
def test_root_installs(on: System, distribution: str, version: str, packages: str) -> None:
    _, _, calls = on({**AS_ROOT, **DPKG, "apt-get": ":"}, distribution, version)
    [install] = [call for call in calls if call.startswith("apt-get install")]
    assert install.split("--no-install-recommends ")[1] == packages


def test_a_client_that_is_missing_is_installed_alone(on: System, tmp_path: Path) -> None:
    (tmp_path / "usr/lib/podman").mkdir(parents=True)
    (tmp_path / "usr/lib/podman/aardvark-dns").touch()
    commands = {**EVERYTHING, **AS_ROOT, **DPKG, "dockerd": ":", "nft": ":", "apt-get": ":"}
    del commands["docker"]
    _, _, calls = on(commands, "debian", "13")
    [install] = [call for call in calls if call.startswith("apt-get install")]
    assert install.split("--no-install-recommends ")[1] == "docker-cli"


def test_root_starts_the_engine(on: System, tmp_path: Path) -> None:
    try:
        code, line, calls = on({**EVERYTHING, **AS_ROOT, "docker": DOCKER, "dockerd": DOCKERD})
    finally:
        (tmp_path / "answers").unlink(missing_ok=True)  # this ends the stub of dockerd
    assert (code, line) == (0, "started")
    assert f"dockerd --pidfile {tmp_path}/run/reaper-test-engine.pid" in calls


def test_a_user_for_rootless_podman(on: System) -> None:
    nobody_yet = '[ "$2" != reaper-test ] && echo 0'
    _, _, calls = on({**EVERYTHING, "docker": ":", "id": nobody_yet, "useradd": ":"})
    assert [call.split()[-1] for call in calls if call.startswith("useradd")] == ["reaper-test"]


def test_an_engine_that_ends_is_quoted(on: System, tmp_path: Path) -> None:
    failing = "echo 'cannot mount' >&2; exit 1"
    code, line, _ = on({**EVERYTHING, **AS_ROOT, "dockerd": failing})
    assert code == 1
    assert line == (
        f"engine.sh: dockerd ended: cannot mount; see {tmp_path}/var/log/reaper-test-engine.log"
    )


def test_it_says_what_it_takes() -> None:
    done = subprocess.run([HERE / "engine.sh"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "engine.sh: say start, stop or clean\n")
