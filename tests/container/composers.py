"""The implementations of compose: the command, its environment, and the engine behind it."""

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from engines import Engine

# Docker's compose (version 2 and later) and podman-compose come with the tests' Python packages.
SCRIPTS = Path(sys.executable).parent
COMPOSERS = ("docker compose", "docker-compose", "podman-compose")


class Composer(NamedTuple):
    command: str
    engine: Engine
    environment: dict[str, str]


def composer(name: str, docker: Engine, podman: Engine, folder: Path) -> Composer:
    """An implementation by its command. `folder` is for the settings of the engine's client."""
    if name == "podman-compose":
        return Composer(str(SCRIPTS / name), podman, podman.environment)
    environment = dict(docker.environment)
    if name == "docker compose":
        plugins = folder / "cli-plugins"
        plugins.mkdir()
        (plugins / "docker-compose").symlink_to(SCRIPTS / "docker-compose")
        return Composer(name, docker, {**environment, "DOCKER_CONFIG": str(folder)})
    # Take the distribution's docker-compose, which is version 1 in Debian 12. If it has none, take
    # Docker's again.
    places = [place for place in os.get_exec_path() if Path(place) != SCRIPTS]
    found = shutil.which(name, path=os.pathsep.join([*places, str(SCRIPTS)]))
    return Composer(str(found), docker, environment)
