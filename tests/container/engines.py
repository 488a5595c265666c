"""Docker and podman through their own commands: run, wait for a line, kill, inspect, clean up.

Nothing here knows the init. A container is a context manager: at the end it is always removed.
"""

import hashlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import evidence
from support import DEADLINE, REPO, children, eventually, state
from terminal import Terminal, terminal

HERE = Path(__file__).resolve().parent
DOCKERFILE = REPO / "docker" / "Dockerfile"
LABEL = "org.reaper.test"
INIT_IMAGE = "reaper-init"  # docker/Dockerfile makes it: /opt/reaper and nothing else
MAIN_IMAGE = "reaper-test/main"  # the services, the victims and the init
FORM = os.environ.get("REAPER_TEST_FORM", "")  # if empty: what docker/Dockerfile installs
TEST_IMAGE = f"reaper-test/{FORM}" if FORM else MAIN_IMAGE
INIT = "/opt/reaper/reaper"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# By default podman raises the limits, which fails without CAP_SYS_RESOURCE, and uses another run
# time than Debian's. This file replaces every other containers.conf.
PODMAN_SETTINGS = HERE / "containers.conf"


class Engine:
    """One engine's command line. Called with words, it runs them and returns the outcome.

    `command` is what to put before the words, if that is not just the name.
    """

    def __init__(self, name: str, *command: str) -> None:
        self.name = name
        self.podman = name.startswith("podman")
        self.command = command or (name,)
        settings = {"CONTAINERS_CONF": str(PODMAN_SETTINGS), "DOCKER_BUILDKIT": "0"}
        settings["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "1"  # podman 5 says it with each command
        self.environment = {**os.environ, **settings}

    def __repr__(self) -> str:
        return self.name

    def __call__(
        self, *words: str, check: bool = True, **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [*self.command, *words],
            env=self.environment,
            check=False,
            **{"capture_output": True, "text": True, "timeout": 2 * DEADLINE, **options},
        )
        assert not check or done.returncode == 0, f"{self.name} {words}: {done.stdout}{done.stderr}"
        return done

    def begin(self, *words: str, keep: bool = False) -> "subprocess.Popen[bytes]":
        """Start the command and do not wait. `keep` puts both its streams on one pipe."""
        return subprocess.Popen(
            [*self.command, *words],
            env=self.environment,
            stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if keep else subprocess.DEVNULL,
        )

    def build(
        self, tag: str, dockerfile: Path, target: str = "", context: Path = REPO, **arguments: str
    ) -> None:
        """Build an image with the classic builder. The engine's cache makes a second build fast."""
        words = ["-t", tag, "-f", str(dockerfile), f"--label={LABEL}=image"]
        words += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        words += [f"--target={target}"] if target else []
        self("build", *words, str(context), timeout=900)

    def identity(self, image: str) -> str:
        """The digest of an image; empty if the engine does not have it."""
        found = self("image", "inspect", "-f", "{{.Id}}", image, check=False)
        return found.stdout.strip().removeprefix("sha256:") if found.returncode == 0 else ""

    def take(self, image: str, other: "Engine") -> None:
        """Copy an image from another engine, unless this engine already has the same one."""
        if self.identity(image) == other.identity(image):
            return
        with subprocess.Popen(
            [*other.command, "save", image], env=other.environment, stdout=subprocess.PIPE
        ) as saved:
            self("load", stdin=saved.stdout, timeout=600)
            assert saved.wait() == 0, f"{other} save {image}"

    def container(
        self, *command: str, options: Sequence[str] = (), image: str = TEST_IMAGE
    ) -> "Container":
        """Start a container in the background. `command` follows the image's entrypoint."""
        words = ["run", "--detach", f"--label={LABEL}=container", *options, image, *command]
        return Container(self, self(*words).stdout.split()[-1])

    def remove(self, *names: str) -> None:
        """Remove containers and their volumes. A running one is killed at once."""
        wait = ["--time=0"] if self.podman else []
        self("rm", "-fv", *wait, *names, check=False)

    def client(self, *words: str) -> AbstractContextManager[Terminal]:
        """Run the engine's command as if from a person's terminal."""
        return terminal([*self.command, *words], env=self.environment)

    @contextmanager
    def on_terminal(
        self, *command: str, options: Sequence[str] = (), image: str = TEST_IMAGE
    ) -> "Iterator[tuple[Terminal, Container]]":
        """Start a container with `run --interactive --tty`."""
        name = f"reaper-test-{os.urandom(4).hex()}"
        words = ["run", "-it", f"--name={name}", f"--label={LABEL}=container", *options, image]
        with self.client(*words, *command) as client:
            container = Container(self, name)
            try:
                with evidence.watched(container.tell):
                    yield client, container
            finally:
                self.remove(name)


class Container:
    """A container, and the questions that the tests ask about it."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.follower: subprocess.Popen[bytes] | None = None
        self.unread = b""  # what was read from the log but not used yet

    def __enter__(self) -> "Container":
        evidence.watch(self.tell)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        evidence.unwatch(self.tell)
        if error is not None:
            evidence.keep(self.tell)
        self.engine.remove(self.name)
        if self.follower and self.follower.stdout:
            self.follower.stdout.close()
            self.follower.kill()
            self.follower.wait(DEADLINE)

    def inspect(self, field: str) -> Any:
        """One field of what the engine says about it, such as `State.ExitCode`."""
        template = "{{json ." + field + "}}"
        return json.loads(self.engine("inspect", "-f", template, self.name).stdout)

    @property
    def pid(self) -> int:
        """Host pid of the container's first process."""
        return int(self.inspect("State.Pid"))

    @property
    def main_pid(self) -> int:
        """Host pid of the init's first child."""
        pid = self.pid
        return eventually(lambda: children(pid), "main")[0]

    def wait_line(self, text: str) -> str:
        """Follow the log, both streams, up to a line that contains `text`."""
        while text not in (line := self.line()):
            assert line, f"the container ended without {text!r}"
        return line.rstrip("\n")

    def wait_lines(self, *texts: str) -> None:
        """Follow the log up to several lines, in any order, because there are two streams."""
        missing = set(texts)
        while missing:
            line = self.line()
            assert line, f"the container ended without {missing}"
            missing = {text for text in missing if text not in line}

    def line(self) -> str:
        """The next line of the log, from either stream; empty at the end."""
        if self.follower is None:
            self.follower = self.engine.begin("logs", "--follow", self.name, keep=True)
        assert self.follower.stdout
        while b"\n" not in self.unread:
            ready, _, _ = select.select([self.follower.stdout], [], [], DEADLINE)
            assert ready, f"no line within {DEADLINE} s"
            if not (part := os.read(self.follower.stdout.fileno(), 65536)):
                break
            self.unread += part
        line, newline, self.unread = self.unread.partition(b"\n")
        return (line + newline).decode(errors="replace")

    def exec(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return self.engine("exec", self.name, *command, check=check)

    def reaperctl(self, command: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run reaperctl on the host and look into the container."""
        return subprocess.run(
            [sys.executable, "-m", "reaper.inspector", command, "--container", self.name, *words],
            env=self.engine.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def kill(self, signal: int | str) -> None:
        self.engine("kill", "-s", str(signal), self.name)

    def stop(self, timeout: int) -> None:
        """The engine's stop: its stop signal, then KILL after `timeout` seconds."""
        self.engine("stop", "-t", str(timeout), self.name)

    def wait(self) -> int:
        """Wait until the container has ended, and return its exit code."""
        return int(self.engine("wait", self.name).stdout)

    def ends(self, restarts: int) -> None:
        """Wait until it has ended after so many restarts; podman also says `exited` between two."""
        expected = ["exited", restarts]
        eventually(
            lambda: [self.inspect(field) for field in ("State.Status", "RestartCount")] == expected,
            f"its end after {restarts} restarts",
        )

    def log(self) -> str:
        """Everything the container wrote, standard output before standard error."""
        done = self.engine("logs", self.name, check=False)
        return done.stdout + done.stderr

    def tell(self) -> str:
        """Its state and what it wrote: see evidence.py."""
        code = '{{if eq .State.Status "exited"}}, exit code {{.State.ExitCode}}{{end}}'
        words = ["inspect", "-f", "{{.State.Status}}" + code, self.name]
        seen = self.engine(*words, check=False)
        log = self.engine("logs", self.name, check=False)
        outcome = seen.stdout.strip() or "it is no longer there"
        command = f"{self.engine} container {self.name[:20]}"
        streams = {"standard_output": log.stdout, "standard_error": log.stderr}
        return evidence.text(command, outcome, **streams)

    def zombies(self) -> list[int]:
        """Host pids of the dead children that the first process has not waited for."""
        return [pid for pid in children(self.pid) if state(pid) == "Z"]

    def has_children(self, processes: int) -> None:
        """Wait until the first process has exactly this many children, dead ones included."""
        pid = self.pid
        eventually(lambda: len(children(pid)) == processes, f"{processes} children of the init")


def ensure_base(engine: Engine, kind: str) -> str:
    """The name of the base image of this kind. Make it if the engine does not know its recipe."""
    recipe = HERE / "base.sh"
    digest = hashlib.sha256(recipe.read_bytes()).hexdigest()[:12]
    image = f"reaper-test/{kind}:{digest}"
    if engine.identity(image):
        return image
    settings = [f"ENV PATH={PATH}", "ENV PIP_CERT=/etc/machine-ca.crt"]
    changes = [f"--change={line}" for line in (*settings, f"LABEL {LABEL}=base")]
    with subprocess.Popen([recipe, kind], stdout=subprocess.PIPE) as made:
        engine("import", *changes, "-", image, stdin=made.stdout, timeout=900)
        assert made.wait() == 0, f"{recipe} {kind}"
    return image
