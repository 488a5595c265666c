"""docker/leak: the same workload with and without an init, and the leak that no init cures."""

import re

import pytest
from composers import COMPOSERS
from engines import Container
from support import REPO, eventually
from test_examples import Service, service  # noqa: F401  the fixture

LIMIT = 40  # pids_limit of compose.yaml


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test here with each implementation of compose, on the same file."""
    if "composed" in metafunc.fixturenames:
        metafunc.parametrize("composed", COMPOSERS, indirect=True, scope="module")


@pytest.fixture(scope="module")
def docker_compose_file() -> str:
    return str(REPO / "docker" / "leak" / "compose.yaml")


def report(container: Container) -> tuple[int, int, int]:
    """The last line the workload wrote: jobs done, jobs failed, zombies."""
    found = re.findall(r"jobs done (\d+), jobs failed (\d+), zombies (\d+)", container.log())
    done, failed, zombies = found[-1] if found else (0, 0, 0)
    return int(done), int(failed), int(zombies)


def test_leaky_fails_and_clean_goes_on(service: Service) -> None:  # noqa: F811
    leaky, clean = service("leaky"), service("clean")
    eventually(lambda: report(leaky)[1] > 0, "the pids limit")
    assert report(leaky)[2] > LIMIT // 2
    eventually(lambda: report(clean)[0] > LIMIT, "more jobs than the limit has room for")
    _, failed, zombies = report(clean)
    assert failed == 0
    assert zombies < LIMIT // 4  # a child that has ended and is about to be reaped can be seen


def test_an_incurable_leak_is_named(service: Service) -> None:  # noqa: F811
    """The init's log counts the forks that the limit refused; reaperctl says whose fault that is.

    reaperctl runs on the host, because at the limit the container has no room for another process.
    """
    container = service("incurable")
    eventually(lambda: report(container)[1] > 0, "the pids limit")
    assert report(container)[2] > LIMIT // 2
    told = container.reaperctl("zombies")
    assert re.search(r"python3 \(\d+\) never waits for its children", told.stdout)
    container.stop(60)
    [refused] = re.findall(r"leaving with .*forks refused (\d+)", container.log())
    assert int(refused) > 0
