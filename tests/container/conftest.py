"""Starts the engines and builds the images of the container tests once; cleans up at the end."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import rootless
from composers import COMPOSERS, Composer, composer
from engines import (
    DOCKERFILE,
    FORM,
    HERE,
    INIT_IMAGE,
    LABEL,
    MAIN_IMAGE,
    TEST_IMAGE,
    Engine,
    ensure_base,
)
from images import build_context

ROOTFUL = ("docker", "podman")
ENGINES = ROOTFUL if FORM else (*ROOTFUL, "podman rootless")


LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need an engine, unless --containers asks for them.

    Otherwise a plain run of pytest could install an engine. The long timeout is for the first test,
    which builds the images.
    """
    ours = [item for item in items if Path(item.fspath).parent == HERE]
    for item in ours:
        item.add_marker(pytest.mark.timeout(900))
    if not config.getoption("--containers"):
        left_out = [item for item in ours if "engines" in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
        config.stash[LEFT_OUT] = len(left_out)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{count} tests in containers were not asked for: `make container` runs them "
            "(as root it may install and start an engine)"
        )


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, Engine | str]]:
    """The engines with every image, or why there is none. An engine that we started is stopped."""
    script = HERE / "engine.sh"
    done = subprocess.run([script, "start"], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(done.stderr.strip() or f"{script} start: failed silently", pytrace=False)
    started = done.stdout
    docker, podman, unprivileged = Engine("docker"), Engine("podman"), rootless.engine()
    found = {"docker": docker, "podman": podman, "podman rootless": unprivileged}
    try:
        with tempfile.TemporaryDirectory() as folder:
            build_images(docker, podman, Path(folder))
        if isinstance(unprivileged, Engine):
            unprivileged.take(TEST_IMAGE, podman)
        yield found
    finally:
        for engine in found.values():
            if isinstance(engine, Engine):
                left = engine("ps", "-aq", f"--filter=label={LABEL}", check=False).stdout.split()
                if left:
                    engine.remove(*left)
        remove_groups(podman)
        if isinstance(unprivileged, Engine):
            rootless.end(unprivileged)
        if started.split()[-1:] == ["started"]:
            subprocess.run([script, "stop"], check=True)


def remove_groups(podman: Engine) -> None:
    """Remove the control groups that podman 4 forgets.

    It forgets the group of a pod, and the group of a container whose conmon was killed. Containers
    that others run meanwhile keep theirs, because podman knows them.
    """
    groups = list(Path("/sys/fs/cgroup").glob("**/libpod_parent/*[0-9a-f]/"))
    listed = [podman("ps", "-aq", "--no-trunc"), podman("pod", "ps", "-q", "--no-trunc")]
    known = [identity for done in listed for identity in done.stdout.split()]
    for group in groups:
        if not any(group.name.endswith(identity) for identity in known):
            with suppress(OSError):  # somebody is in it
                group.rmdir()


def build_images(docker: Engine, podman: Engine, folder: Path) -> None:
    services = ensure_base(docker, "services")
    bases = {
        "BUILD_BASE": ensure_base(docker, "debian"),
        "INSTALL_BASE": ensure_base(docker, "busybox"),
    }
    docker.build(INIT_IMAGE, DOCKERFILE, **bases)
    docker.build(f"{INIT_IMAGE}:install", DOCKERFILE, target="install", **bases)
    for image in (services, INIT_IMAGE, f"{INIT_IMAGE}:install"):
        podman.take(image, docker)
    dockerfile = build_context(FORM, folder) if FORM else None
    for engine in (docker, podman):
        engine.build(MAIN_IMAGE, HERE / "Dockerfile", BASE=services)
        if dockerfile:
            engine.build(TEST_IMAGE, dockerfile, context=folder, BASE=MAIN_IMAGE)


def chosen(engines: dict[str, Engine | str], name: str) -> Engine:
    """An engine by its name. If the machine cannot run it, the test is skipped with the reason."""
    found = engines[name]
    if isinstance(found, str):
        pytest.skip(f"{name}: not here: {found}")
    return found


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine | str]) -> Engine:
    """Each engine in turn."""
    return chosen(engines, request.param)


@pytest.fixture(scope="session", params=ROOTFUL)
def rootful(request: pytest.FixtureRequest, engines: dict[str, Engine | str]) -> Engine:
    """Each engine that may set limits and freeze."""
    return chosen(engines, request.param)


@pytest.fixture(scope="session")
def docker(engines: dict[str, Engine | str]) -> Engine:
    return chosen(engines, "docker")


@pytest.fixture(scope="session")
def podman(engines: dict[str, Engine | str]) -> Engine:
    return chosen(engines, "podman")


# The fixtures below are those of pytest-docker: one compose file per module. Version 1 of compose
# has no `up --wait`, so the tests wait for lines of the log.


@pytest.fixture(scope="module")
def composed(
    request: pytest.FixtureRequest,
    docker: Engine,
    podman: Engine,
    tmp_path_factory: pytest.TempPathFactory,
) -> Composer:
    """The implementation of compose. A module may ask for another by an indirect parameter."""
    name = getattr(request, "param", COMPOSERS[0])
    return composer(name, docker, podman, tmp_path_factory.mktemp("compose"))


@pytest.fixture(scope="module")
def docker_compose_command(composed: Composer, docker: Engine) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in composed.environment.items():
            patch.setenv(name, value)
        patch.setenv("BASE", ensure_base(docker, "services"))
        yield composed.command


@pytest.fixture(scope="module")
def docker_compose_project_name(
    request: pytest.FixtureRequest, composed: Composer
) -> Iterator[str]:
    """The project's name. pytest-docker does not clean up after a failed `up`, so this does."""
    module = request.module.__name__.rpartition(".")[2]
    name = f"reaper-{module.replace('_', '-')}-{os.getpid()}"
    yield name
    engine = composed.engine
    left = engine("ps", "-aq", f"--filter=label=com.docker.compose.project={name}").stdout.split()
    if left:
        engine.remove(*left)


@pytest.fixture(scope="module")
def docker_setup() -> list[str]:
    return ["up --build --detach"]


@pytest.fixture(scope="module")
def docker_cleanup() -> list[str]:
    return ["down --volumes --rmi local --remove-orphans --timeout 1"]
