"""A build that is older than its sources is not tested; one line says what to do."""

import os
import re
from pathlib import Path

import builds
import pytest

FORM, PART, SOURCE = "build/form", "build/part", "reaper/core.py"
RULES = {FORM: [PART, "FORCE"], PART: [SOURCE]}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A form that is made from a part, which is made from a source; each is a second younger."""
    for second, name in enumerate((SOURCE, PART, FORM)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (second, second))
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (None, ""),
        (SOURCE, "build/part is older than reaper/core.py"),
        (PART, "build/form is older than build/part"),
        (FORM, ""),
    ],
)
def test_a_form_is_too_old_where_a_file_that_it_is_made_of_is_younger(
    tree: Path, changed: str | None, line: str
) -> None:
    if changed:
        os.utime(tree / changed, (9, 9))
    assert builds.outdated(FORM, RULES, tree) == line


@pytest.mark.parametrize("missing", [FORM, PART])
def test_a_form_that_is_not_there_is_not_built(tree: Path, missing: str) -> None:
    (tree / missing).unlink()
    assert builds.outdated(FORM, RULES, tree) == f"{missing} is not built"


def test_the_one_line_names_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "outdated", lambda *_: "build/static/reaper is older than x.py")
    with pytest.raises(builds.NotBuilt) as failed:
        builds.built.__wrapped__("static")
    assert str(failed.value) == "build/static/reaper is older than x.py: run `make static`"
    assert not failed.value.pytrace


@pytest.mark.parametrize("name", builds.TARGETS)
def test_the_makefile_says_what_each_form_is_made_of(name: str) -> None:
    target, file = builds.TARGETS[name]
    makefile = (builds.REPO / "Makefile").read_text()
    assert re.search(f"^{target}: {re.escape(file)}  ## ", makefile, re.M)
    rules = builds.prerequisites(file)
    made_of, queue = set(), [file]
    while queue:
        new = set(rules.get(queue.pop(), ())) - made_of
        made_of |= new
        queue += new
    assert "reaper/init/core.py" in made_of
    assert not [other for other in made_of if other.startswith("tests/")]
    for form in {"static", "bundle"} & {name}:
        assert any(other.startswith(f"docker/{form}/") for other in made_of)
