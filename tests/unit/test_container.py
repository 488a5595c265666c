"""From a container's name to a pid: what the engines' answers mean."""

import pytest

from reaper.inspector.errors import UserError
from reaper.inspector.reading.container import Answer, choose

UNKNOWN = Answer("docker", 1, "", "Error response from daemon: No such container: web\n")
STOPPED = Answer("docker", 0, "0 abc\n", "")
FOUND = Answer("podman", 0, "17 def\n", "")


def test_the_engine_that_runs_it_wins() -> None:
    assert choose("web", [UNKNOWN, FOUND]) == (17, "def")
    assert choose("web", [STOPPED, FOUND]) == (17, "def")


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "needs the docker or podman command"),
        ([STOPPED], 'no running container "web": docker: the container is not running'),
        ([UNKNOWN], 'no running container "web": docker: Error response from daemon: No such'),
        ([Answer("podman", -1, "", "")], "podman: no answer"),
    ],
)
def test_no_container_is_one_sentence(answers: list[Answer], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose("web", answers)
