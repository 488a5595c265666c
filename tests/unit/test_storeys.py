"""The rooms of the inspector: each imports only from rooms below it, and nothing of the init."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import REPO

PACKAGE = REPO / "reaper"

# From the ground up. A room is a folder or a module of `reaper.inspector`; those of one line are
# equals and do not import each other.
STOREYS = (
    ("errors", "arguments"),
    ("reading",),
    ("render",),
    ("answers",),
    ("view", "pidfds"),
    ("command", "commands"),
    ("cli",),
    ("console", "__main__"),
)
HEIGHT = {room: height for height, rooms in enumerate(STOREYS) for room in rooms}


def imported(file: Path) -> Iterator[str]:
    """The absolute names of everything that a file imports, anywhere in it."""
    package = file.relative_to(REPO).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str | None:
    """The room of the inspector that a name belongs to; None if it is none of them."""
    parts = name.split(".")
    return parts[2] if parts[:2] == ["reaper", "inspector"] and len(parts) > 2 else None


FILES = sorted((PACKAGE / "inspector").rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_arrows_of_import_run_down_only(file: Path) -> None:
    room = file.relative_to(PACKAGE / "inspector").parts[0].removesuffix(".py")
    if room == "__init__":
        assert list(imported(file)) == ["sys"]
        return
    up = {
        name
        for name in imported(file)
        if (other := room_of(name)) not in (None, room) and HEIGHT[other] >= HEIGHT[room]
    }
    assert not up, f"{room} may import only from rooms below it"


def test_the_init_and_the_inspector_do_not_import_each_other() -> None:
    for one, other in (("init", "inspector"), ("inspector", "init")):
        files = (PACKAGE / one).rglob("*.py")
        names = {f"{file.name}: {name}" for file in files for name in imported(file)}
        assert not {name for name in names if f" reaper.{other}" in name}


@pytest.mark.parametrize("room", ["reading", "render", "answers", "commands"])
def test_a_room_imports_nothing_by_itself(room: str) -> None:
    assert not list(imported(PACKAGE / "inspector" / room / "__init__.py"))
