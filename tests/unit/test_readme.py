"""The README's tables say what the program's tables say."""

import re

import pytest
from builds import FORMS
from support import REPO

from reaper import events, signals
from reaper.init import options

README = (REPO / "README.md").read_text()


def test_every_option_is_there() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    for option in options.TABLE:
        written = f"--{option.name} {option.metavar}".strip().replace("|", "\\|")
        assert any(f"`{written}`" in row for row in rows), written
        if option.letter:
            assert any(f"`-{option.letter}`" in row for row in rows), option.letter


def test_the_default_of_an_option_is_that_of_the_help() -> None:
    rows = [line.split(" | ") for line in README.splitlines() if line.startswith("| `")]
    for option in options.TABLE:
        said = re.search(r"\[(.+)\]$", option.help)
        written = f"--{option.name} {option.metavar}".strip().replace("|", "\\|")
        default = next(row[-1] for row in rows if f"{written}`" in row[0])
        shown = default.rstrip(" |").replace("`", "").split(", ")
        assert not said or said[1] in shown, written


def test_every_signal_stands_in_the_row_of_its_action() -> None:
    words = {
        signals.TERMINATE: "then CONT",
        signals.FORWARD: "forwards",
        signals.REAP: "reaping",
        signals.IGNORE: "ignores",
        signals.UNCATCHABLE: "never seen",
    }
    table = README.partition("| signal |")[2].partition("\n\n")[0]
    rows = [line for line in table.splitlines() if line.count("|") > 2]
    for name, action, _ in signals.POLICY:
        row = next(row for row in rows if name[3:] in row.split("|")[1].split())
        assert words[action] in row, name


def test_every_event_is_named() -> None:
    for event in events.EVENTS:
        assert f"`{event}`" in README


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/testing.md"])
def test_every_file_and_target_that_it_names_is_there(page: str) -> None:
    makefile, text = (REPO / "Makefile").read_text(), (REPO / page).read_text()
    for path in re.findall(r"\]\(([^)#]+)\)", text):
        assert (REPO / page).parent.joinpath(path).exists(), path
    for path in re.findall(r"`((?:tests|reaper)/[a-z_./]+)", text):
        assert (REPO / path).exists(), path
    for target in re.findall(r"(?:`|\$ )make ([a-z]+)", text):
        assert f"\n{target}:" in makefile, target


def test_every_test_that_the_recipes_name_is_there() -> None:
    tests = "".join(path.read_text() for path in (REPO / "tests").rglob("test_*.py"))
    names = re.findall(r"`(test_[a-z_]+)`", (REPO / "CONTRIBUTING.md").read_text())
    assert names
    for name in names:
        assert f"\ndef {name}(" in tests, name


def test_the_page_on_testing_has_every_form_and_mark(pytestconfig: pytest.Config) -> None:
    page = (REPO / "docs" / "testing.md").read_text()
    forms = ", ".join(f"`{form}`" for form in FORMS[:-1])
    assert f"{forms} or `{FORMS[-1]}`" in page
    ours = [line for line in pytestconfig.getini("markers") if re.match("every_|all_", line)]
    assert len(ours) == 2
    for mark in ours:
        assert f"| `{mark.partition(':')[0]}` |" in page


def rows(page: str) -> list[list[str]]:
    """The bench's table of the forms, header first."""
    table = page[page.index("| | main's first instruction") :].partition("\n\n")[0]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]


def test_what_the_forms_cost_is_what_was_measured() -> None:
    ours, measured = rows(README), rows((REPO / "docs" / "shipping.md").read_text())
    columns = [measured[0].index(title) for title in ours[0]]
    assert ours == [[row[column] for column in columns] for row in measured]
