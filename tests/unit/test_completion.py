"""Shell completion: what bash offers once it has read the script."""

import json
import runpy
import subprocess
from pathlib import Path

import pytest
from ctl import reaperctl
from support import REPO

from reaper.inspector.commands import COMMANDS
from reaper.inspector.commands.completion import SCRIPTS, SHELLS

TOOL = runpy.run_path(str(REPO / "tools" / "completion.py"))


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    code, out, err = reaperctl("completion", "bash")
    assert (code, err) == (0, "")
    path = tmp_path_factory.mktemp("completion") / "reaperctl"
    path.write_text(out)
    return path


def offered(script: Path, *words: str) -> list[str]:
    """What bash offers to complete the last word."""
    driver = '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shtab_reaperctl'
    command = ["bash", "--norc", "-eu", "-c", f'{driver}; echo "${{COMPREPLY[@]}}"', str(script)]
    done = subprocess.run(
        [*command, "reaperctl", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_bash_offers_the_commands(script: Path) -> None:
    assert offered(script, "") == list(COMMANDS)
    assert offered(script, "zo") == ["zombies"]


def test_bash_offers_the_options_and_choices_of_a_command(script: Path) -> None:
    assert offered(script, "maps", "--kin") == ["--kind"]
    assert offered(script, "ps", "--color", "a") == ["auto", "always"]
    assert offered(script, "completion", "") == ["bash", "zsh", "tcsh"]


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_the_other_shells_know_the_commands(shell: str) -> None:
    code, out, err = reaperctl("completion", shell, "--json")
    assert (code, err) == (0, "")
    written = json.loads(out)["script"]
    assert all(command in written for command in COMMANDS)


@pytest.mark.parametrize("shell", SHELLS)
def test_it_is_what_the_tables_say(shell: str) -> None:
    assert (SCRIPTS / shell).read_text() == TOOL["script"](shell), "run `make man`"
