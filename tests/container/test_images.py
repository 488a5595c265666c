"""What is in the images, and what hadolint and the Compose specification say about their files."""

import subprocess
import sys
import tarfile
from pathlib import Path

from engines import HERE, INIT_IMAGE, Engine, ensure_base
from support import REPO

DOCKERFILES = [*sorted((REPO / "docker").rglob("Dockerfile*")), HERE / "Dockerfile"]


def test_hadolint() -> None:
    program = Path(sys.executable).with_name("hadolint")
    config = REPO / "docker" / "hadolint.yaml"
    done = subprocess.run(
        [program, "--no-color", "-c", config, *DOCKERFILES],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def check_compose(*files: Path) -> "subprocess.CompletedProcess[str]":
    """Check compose files against the schema of the specification, which comes with the program."""
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [program, "--builtin-schema", "vendor.compose-spec", *files]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_compose_files_hold_against_the_specification() -> None:
    done = check_compose(*sorted((REPO / "docker").rglob("compose.yaml")))
    assert done.returncode == 0, done.stdout


def test_the_specification_finds_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text("services: {web: {image: web, stop_grace: 30s}}\n")
    assert "stop_grace" in check_compose(wrong).stdout


def test_the_image_holds_the_folder_and_nothing_else(docker: Engine, tmp_path: Path) -> None:
    saved = tmp_path / "root.tar"
    name = docker("create", INIT_IMAGE).stdout.strip()
    try:
        docker("export", "-o", str(saved), name)
    finally:
        docker.remove(name)
    with tarfile.open(saved) as root:
        files = {entry.name for entry in root if entry.isfile()}
    # An engine adds these to every container.
    files -= {".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf"}
    assert {"opt/reaper/reaper", "opt/reaper/reaperctl"} <= files
    assert [file for file in files if not file.startswith("opt/reaper/")] == []


def test_labels(docker: Engine) -> None:
    labels = docker("image", "inspect", "-f", "{{json .Config.Labels}}", INIT_IMAGE).stdout
    for name in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{name}" in labels


def test_the_variant_for_python_images(docker: Engine) -> None:
    image = "reaper-test/python"
    docker.build(image, REPO / "docker" / "Dockerfile.python", BASE=ensure_base(docker, "services"))
    script = "import os; print(os.getppid()); raise SystemExit(3)"
    with docker.container("python3", "-c", script, image=image) as container:
        assert container.wait() == 3
        assert container.log() == "1\n"
        assert container.inspect("Config.User") == "65534:65534"
