"""docker/examples: every service of the compose file, as the documentation shows it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.error import URLError
from urllib.request import urlopen

import evidence
import pytest
from composers import Composer
from engines import Container, Engine
from pytest_docker.plugin import Services
from support import DEADLINE, REPO, children, eventually

Service = Callable[[str], Container]


@pytest.fixture(scope="module")
def docker_compose_file() -> str:
    return str(REPO / "docker" / "examples" / "compose.yaml")


@pytest.fixture(scope="module")
def service(
    docker_services: Services, docker_compose_project_name: str, composed: Composer
) -> Iterator[Callable[[str], Container]]:
    """A function that finds the container of a service."""
    with ExitStack() as watched:

        def find(name: str) -> Container:
            filters = {"project": docker_compose_project_name, "service": name}
            words = [f"--filter=label=com.docker.compose.{key}={filters[key]}" for key in filters]
            [found] = composed.engine("ps", "-aq", *words).stdout.split()
            container = Container(composed.engine, found)
            evidence.watch(container.tell)
            watched.callback(evidence.unwatch, container.tell)
            return container

        yield find


def get(docker_services: Services, name: str, path: str = "/") -> str:
    """Fetch from a service's published port, once it is up."""
    url = f"http://127.0.0.1:{docker_services.port_for(name, 8080)}{path}"

    def answer() -> str:
        try:
            with urlopen(url, timeout=DEADLINE) as reply:
                return str(reply.read().decode())
        except (URLError, ConnectionError):
            return ""

    return eventually(answer, url)


@pytest.mark.parametrize("name", ["nginx", "quit"])
def test_nginx_finishes_the_download_before_it_ends(
    docker_services: Services, service: Service, name: str
) -> None:
    assert get(docker_services, name) == "up\n"
    container = service(name)
    url = f"http://127.0.0.1:{docker_services.port_for(name, 8080)}/slow"
    with urlopen(url, timeout=DEADLINE) as reply:
        begun = reply.read(100)
        docker_stop = container.engine.begin("stop", "-t", "60", container.name)
        rest = reply.read()
        assert len(begun) + len(rest) == int(reply.headers["Content-Length"])
    assert docker_stop.wait(DEADLINE) == 0
    assert container.wait() == 0


@pytest.mark.parametrize("name", ["gunicorn", "locked"])
def test_gunicorn(docker_services: Services, service: Service, name: str) -> None:
    container = service(name)
    assert get(docker_services, name) == "up\n"
    eventually(lambda: children(container.pid) == [container.main_pid], "the helper was reaped")
    eventually(lambda: len(children(container.main_pid)) == 8, "eight workers")
    container.stop(60)
    assert container.wait() == 0


def test_locked_is_locked(docker_services: Services, service: Service) -> None:
    settings = service("locked").inspect("HostConfig")
    assert settings["ReadonlyRootfs"]
    assert settings["CapDrop"] == ["ALL"]


def test_shell_entrypoint(service: Service) -> None:
    container = service("shell")
    container.wait_line("helper: ready")
    container.stop(60)
    assert container.wait() == 0
    assert "helper: flushed" in container.log()


def test_cron(service: Service) -> None:
    container = service("cron")
    container.wait_lines("job: left a process behind", "(sleep): exit code 0")
    container.stop(60)
    assert container.wait() == 0


def test_pool_finishes_its_jobs(service: Service) -> None:
    container = service("pool")
    container.wait_line("worker: ready")
    container.stop(60)
    assert container.wait() == 0
    assert "master: every worker is done" in container.log()
    assert "job lost" not in container.log()


def test_pool_loses_them_where_the_group_is_told(service: Service, docker: Engine) -> None:
    """The counter-check: it shows what --scope main is for."""
    image = service("pool").inspect("Config.Image")
    words = ["--", "python3", "-u", "/srv/pool.py"]
    options = ["--entrypoint", "/opt/reaper/reaper"]
    with docker.container(*words, image=image, options=options) as container:
        eventually(lambda: container.log().count("worker: ready") == 2, "both workers")
        container.stop(60)
        assert "worker: job lost" in container.log()


def test_healthcheck_leaves_no_zombie(service: Service) -> None:
    container = service("healthcheck")
    eventually(lambda: container.inspect("State.Health.Status") == "healthy", "healthy")
    container.wait_line("(sleep): exit code 0")
    container.has_children(1)


def test_grace_times_add_up(service: Service) -> None:
    container = service("grace")
    container.wait_line("deaf")
    container.stop(60)
    assert container.wait() == 137
    assert "stop-timeout 2" in container.log()


def test_init_from_a_volume(service: Service) -> None:
    assert service("reaper").wait() == 0
    container = service("mounted")
    container.wait_line("Ready to accept connections")
    assert container.inspect("Config.Entrypoint") == ["/opt/reaper/reaper", "--"]
    container.stop(60)
    assert container.wait() == 0
