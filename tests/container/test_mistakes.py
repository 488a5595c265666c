"""Mistakes that people make with images, and the one line that tells them so."""

from pathlib import Path

import pytest
from builds import built
from engines import DOCKERFILE, INIT, TEST_IMAGE, Engine, ensure_base
from support import REPO


@pytest.fixture
def other_machine(tmp_path: Path) -> Path:
    """A program for another machine than this one (e_machine in its ELF header)."""
    program = bytearray(built("static").read_bytes())
    program[18:20] = (183 if program[18] != 183 else 62).to_bytes(2, "little")
    file = tmp_path / "other"
    file.write_bytes(program)
    file.chmod(0o755)
    return file


def test_main_of_another_architecture(rootful: Engine, other_machine: Path) -> None:
    options = [f"--volume={other_machine}:/other:ro"]
    with rootful.container("--", "/other", options=options) as container:
        assert container.wait() == 126
        assert container.log().count("\n") == 1
        assert 'exec "/other": Exec format error' in container.log()
        assert "built for another machine than this one" in container.log()


def test_the_init_of_another_architecture(rootful: Engine, other_machine: Path) -> None:
    """The engine cannot start the init, so the engine says why, in the container's log."""
    options = [f"--volume={other_machine}:{INIT}:ro"]
    with rootful.container("--", "true", options=options) as container:
        assert container.wait() == 1
        assert container.log() == f"exec {INIT}: exec format error\n"


def refused(docker: Engine, base: str) -> str:
    """What a build of our image says when it fails on this base."""
    words = ["build", f"--build-arg=BUILD_BASE={base}", "-f", str(DOCKERFILE), str(REPO)]
    done = docker(*words, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_build_base_without_apt(docker: Engine) -> None:
    said = refused(docker, ensure_base(docker, "busybox"))
    assert "BUILD_BASE has no apt-get: give a Debian 12" in said
    assert "apt-get: not found" not in said


# An image whose python3 says that it is older, and whose apt-get installs nothing.
OLD = """\
FROM {base}
COPY . /usr/local/bin
"""
OLD_PYTHON = """\
#!/bin/sh
exec /usr/bin/python3.11 -c 'import sys; sys.version_info = (3, 9); exec(sys.argv[1])' "$2"
"""


def test_a_build_base_with_an_old_python(docker: Engine, tmp_path: Path) -> None:
    for name, script in {"python3": OLD_PYTHON, "apt-get": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "Dockerfile").write_text(OLD.format(base=ensure_base(docker, "services")))
    image = "reaper-test/old-python"
    docker.build(image, tmp_path / "Dockerfile", context=tmp_path)
    assert "BUILD_BASE has a Python before 3.11: give a Debian 12" in refused(docker, image)


SHELL_FORM = f"ENTRYPOINT {INIT} -- sleep 1000"


@pytest.fixture
def shell_form(docker: Engine, tmp_path: Path) -> str:
    """The name of an image whose entrypoint is in shell form."""
    image = "reaper-test/shell-form"
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"FROM {TEST_IMAGE}\n{SHELL_FORM}\n")
    docker.build(image, dockerfile)
    return image


def test_an_entrypoint_in_shell_form_is_seen(docker: Engine, shell_form: str) -> None:
    template = "{{json .Config.Entrypoint}}"
    shown = docker("inspect", "-f", template, shell_form).stdout
    assert shown == f'["/bin/sh","-c","{INIT} -- sleep 1000"]\n'


def test_doctor_finds_the_shell_form(docker: Engine, shell_form: str) -> None:
    with docker.container("lost", image=shell_form) as container:
        container.has_children(1)
        found = container.exec("/opt/reaper/reaperctl", "doctor", check=False)
        assert found.returncode == 1
        assert "a shell is PID 1 and does not forward SIGTERM" in found.stdout
        assert "use the exec form of ENTRYPOINT" in found.stdout
        container.stop(1)
        assert container.wait() == 137
