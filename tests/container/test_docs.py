"""README and docs/containers.md: tests run the files in their blocks, and the commands on them.

A recipe that nobody runs goes wrong unnoticed.
"""

import re
import subprocess

import pytest
from engines import HERE, PODMAN_SETTINGS, Engine
from support import REPO, eventually

PAGES = [REPO / "README.md", REPO / "docs" / "containers.md"]
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = ("sh", "console")
BLOCKS = [
    (page.name, language, text)
    for page in PAGES
    for language, text in FENCED.findall(page.read_text())
]
COMMANDS = [
    line.removeprefix("$ ").partition("  #")[0].rstrip()
    for _, language, text in BLOCKS
    if language in SHELL
    for line in text.splitlines()
]
RECIPES = [file for file in sorted((REPO / "docker").rglob("*")) if file.is_file()]
SOURCES = [PODMAN_SETTINGS, *(file for file in RECIPES if file.suffix != ".pyc")]

# The tests have no registry. docker/Dockerfile.python does the same with the wheel.
FROM_A_REGISTRY = "RUN pip install reaper-init\n"

# Command -> the test file that runs it, and the words in that file that do so.
RUN = {
    "docker build -t reaper-init -f docker/Dockerfile .": (
        "conftest.py",
        "docker.build(INIT_IMAGE, DOCKERFILE, **bases)",
    ),
    "docker build --target install -t reaper-init:install -f docker/Dockerfile .": (
        "conftest.py",
        'docker.build(f"{INIT_IMAGE}:install", DOCKERFILE, target="install", **bases)',
    ),
    "docker compose -f docker/leak/compose.yaml up --build": (
        "test_leak.py",
        '"docker" / "leak" / "compose.yaml"',
    ),
    "podman-compose -f docker/leak/compose.yaml up --build": ("composers.py", '"podman-compose"'),
    "docker compose -f docker/examples/compose.yaml up --build nginx": (
        "test_examples.py",
        '"docker" / "examples" / "compose.yaml"',
    ),
    "podman play kube docker/k8s/entrypoint.yaml": (
        "test_k8s.py",
        'played(podman, MANIFESTS["entrypoint"]',
    ),
    "reaperctl zombies --container NAME": ("test_leak.py", 'container.reaperctl("zombies")'),
    "docker inspect -f '{{json .Config.Entrypoint}}' IMAGE": (
        "test_mistakes.py",
        '"inspect", "-f", template, shell_form',
    ),
    "docker exec NAME /opt/reaper/reaperctl doctor": (
        "test_mistakes.py",
        'exec("/opt/reaper/reaperctl", "doctor"',
    ),
}
# This command is run below. It is the same on both pages.
[ZOMBIES] = {command for command in COMMANDS if command.startswith("ps ")}
# These need no container, and other tests run them.
ELSEWHERE = {
    "make demo": "kernel/test_demo.py",
    "reaper -- nginx -g 'daemon off;'": "kernel/test_services.py",
    "reaper --trace events.jsonl -- ./server": "kernel/test_journal.py",
}


@pytest.mark.parametrize("block", [block for block in BLOCKS if block[1] not in SHELL])
def test_a_block_is_a_part_of_a_file(block: tuple[str, str, str]) -> None:
    page, _, text = block
    assert text.startswith(FROM_A_REGISTRY) or any(
        f"\n{text}" in f"\n{file.read_text()}" for file in SOURCES
    ), f"{page}: {text}"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_run(command: str) -> None:
    if command in RUN:
        file, words = RUN[command]
        assert words in (HERE / file).read_text()
    elif command in ELSEWHERE:
        assert (HERE.parent / ELSEWHERE[command]).exists()
    else:
        assert command == ZOMBIES


def test_the_tables_have_no_command_too_many() -> None:
    assert {ZOMBIES, *RUN, *ELSEWHERE} == set(COMMANDS)


def test_one_command_shows_zombies(docker: Engine) -> None:
    leave = ["sh", "-c", "for i in $(seq 5); do sleep 0.05 & done"]
    with docker.container("1000", options=["--entrypoint", "sleep"]) as container:
        command = ZOMBIES.replace("NAME", container.name)

        def shown() -> list[str]:
            done = subprocess.run(
                ["sh", "-c", command], capture_output=True, text=True, check=False
            )
            return done.stdout.splitlines()

        assert shown() == []
        container.exec(*leave)
        eventually(lambda: len(shown()) == 5, "five zombies")
