"""Our static file as the engine's own init: it is set in its configuration, then `run --init`."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from builds import built
from engines import PODMAN_SETTINGS, Engine, ensure_base
from support import REPO, eventually

from reaper import __version__

PLACE = "/usr/local/bin/docker-init"
COMMIT = f"reaper-{__version__.replace('.', '-')}"
SERVICE = "trap 'exit 7' TERM; sh -c 'sleep 0.05 &'; echo ready; while :; do sleep 0.1; done"


def configured(name: str, folder: Path, init: Path) -> Path:
    """Copy the example of docker/init into `folder`, with the path of this init."""
    settings = folder / name
    example = (REPO / "docker" / "init" / name).read_text()
    assert example.count(PLACE) == 1
    settings.write_text(example.replace(PLACE, str(init)))
    return settings


@pytest.fixture(scope="module")
def own_docker(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A second dockerd. Our file is named docker-init, so that dockerd can read its version."""
    folder = tmp_path_factory.mktemp("dockerd")
    init, socket, log = folder / "docker-init", f"unix://{folder}/socket", folder / "log"
    init.symlink_to(built("static"))
    settings = configured("daemon.json", folder, init)
    # It gets its own network namespace, because --bridge=none would remove the other's docker0.
    command = ["unshare", "--net", "dockerd", f"--config-file={settings}"]
    command += [f"--host={socket}", f"--pidfile={folder}/pid"]
    command += [f"--data-root={folder}/data", f"--exec-root={folder}/exec"]
    command += ["--storage-driver=vfs", "--bridge=none", "--iptables=false"]
    engine = Engine("docker", "docker", f"--host={socket}")
    with log.open("wb") as written:
        daemon = subprocess.Popen(command, stdout=written, stderr=written)

    def answers() -> bool:
        assert daemon.poll() is None, log.read_text()
        return engine("info", check=False).returncode == 0

    try:
        eventually(answers, "the second dockerd")
        engine.take(ensure_base(docker, "busybox"), docker)
        yield engine
    finally:
        daemon.terminate()
        daemon.wait(60)


@pytest.fixture
def own_podman(docker: Engine, podman: Engine, tmp_path: Path) -> Engine:
    """A podman with our file in its configuration."""
    settings = configured("containers.conf", tmp_path, built("static"))
    rest = PODMAN_SETTINGS.read_text().replace("[containers]\n", "")
    settings.write_text(settings.read_text() + rest)
    podman.take(ensure_base(docker, "busybox"), docker)
    return Engine("podman", "env", f"CONTAINERS_CONF={settings}", "podman")


def test_docker_info_shows_the_version(own_docker: Engine) -> None:
    assert f"init version: {COMMIT}\n" in own_docker("info").stdout


@pytest.mark.parametrize("name", ["own_docker", "own_podman"])
def test_run_init(request: pytest.FixtureRequest, docker: Engine, name: str) -> None:
    engine = request.getfixturevalue(name)
    image = ensure_base(docker, "busybox")
    options = ["--init", "--network=none", "--env=REAPER_LOG_LEVEL=info"]
    with engine.container("sh", "-c", SERVICE, image=image, options=options) as container:
        container.wait_line("ready")
        assert Path(f"/proc/{container.pid}/exe").samefile(built("static"))
        container.has_children(1)
        container.exec("sh", "-c", "sleep 0.05 &")
        container.has_children(1)
        container.stop(60)
        assert container.wait() == 7
        assert "PID 1 of its namespace" in container.log()
