"""Each form of the init in images of other systems, locked down as far as an engine allows.

The container has an unknown user, a read-only root, no capabilities and no new privileges. An
engine always mounts /proc; tests/kernel tests the forms without it.
"""

import hashlib
import subprocess
from contextlib import AbstractContextManager

import pytest
from builds import FORMS
from engines import LABEL, PATH, Container, Engine, ensure_base
from images import IMAGES, image, in_image
from terminal import Terminal

pytestmark = pytest.mark.all_forms
COMPILED = ("static", "bundle")
WITHOUT_PYTHON = ("busybox", "debian", "bullseye")  # only busybox; glibc 2.36; an older glibc
WITH_PYTHON = ("services", "trixie")  # Python 3.11 and glibc 2.36; newer versions of both
PLACES = [(system, form) for system in WITHOUT_PYTHON for form in COMPILED]
PLACES += [(system, form) for system in WITH_PYTHON for form in FORMS]
LOCKED = ["--read-only", "--user=12345:12345", "--cap-drop=ALL"]
LOCKED += ["--security-opt=no-new-privileges", "--network=none"]


class Place:
    """A form in an image, as its entrypoint."""

    def __init__(self, docker: Engine, system: str, form: str) -> None:
        self.docker = docker
        self.image = imported(docker, system) if system in IMAGES else ensure_base(docker, system)
        [program, *self.words], binds = in_image(form)
        self.options = [*LOCKED, f"--entrypoint={program}"]
        self.options += [f"--volume={source}:{target}:ro" for source, target in binds.items()]

    def run(self, *command: str) -> Container:
        words = [*self.words, "--", *command]
        return self.docker.container(*words, image=self.image, options=self.options)

    def on_terminal(self, *command: str) -> AbstractContextManager[tuple[Terminal, Container]]:
        words = [*self.words, "--", *command]
        return self.docker.on_terminal(*words, image=self.image, options=self.options)


def imported(docker: Engine, system: str) -> str:
    """Import a root folder of tests/images.py into Docker as an image."""
    digest = hashlib.sha256(repr(IMAGES[system]).encode()).hexdigest()[:12]
    name = f"reaper-test/{system}:{digest}"
    if not docker.identity(name):
        changes = [f"--change=ENV PATH={PATH}", f"--change=LABEL {LABEL}=base"]
        pack = ["tar", "-C", str(image(system)), "-c", "."]
        with subprocess.Popen(pack, stdout=subprocess.PIPE) as tar:
            docker("import", *changes, "-", name, stdin=tar.stdout, timeout=600)
    return name


@pytest.fixture(scope="module", params=PLACES, ids="-".join)
def place(request: pytest.FixtureRequest, docker: Engine) -> Place:
    return Place(docker, *request.param)


def test_codes(place: Place) -> None:
    with place.run("sh", "-c", "exit 42") as ended, place.run("no-such-program") as missing:
        assert ended.wait() == 42
        assert ended.log() == ""
        assert missing.wait() == 127
        assert 'exec "no-such-program": not found' in missing.log()


def test_orphans_and_stop(place: Place) -> None:
    script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
    with place.run("sh", "-c", script) as container:
        container.wait_line("ready")
        container.exec("sh", "-c", "sleep 0.05 & sleep 0.05 &")
        container.has_children(1)
        container.stop(60)
        assert container.wait() == 7
        assert "bye" in container.log()


def test_ctrl_c(place: Place) -> None:
    script = "trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done"
    with place.on_terminal("sh", "-c", script) as (terminal, container):
        terminal.wait_for("ready")
        terminal.type("\x03")
        assert container.wait() == 9
