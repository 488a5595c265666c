"""In no view does the name of a process drive the terminal of the person who looks at it."""

import os
from collections.abc import Iterator

import pytest
from ctl import control_group, reaperctl, root, within
from support import Running, as_pid1, eventually, pid_inside, running, victim

from reaper.inspector.commands import COMMANDS

# Fifteen bytes, which is what a name may have: ESC, CSI as UTF-8, a lone byte of the same number,
# a line break, RIGHT-TO-LEFT OVERRIDE, LINE SEPARATOR, DEL, CR.
NAME = b"\x1b\xc2\x9b\x9b\n\xe2\x80\xae\xe2\x80\xa8\x7f\rX"
SHOWN = "\\x1b\\u009b\\x9b\\n\\u202e\\u2028\\x7f\\rX"
GROUP = os.fsdecode(NAME.replace(b"\n", b""))  # a control group's name has no line break
SHOWN_GROUP = SHOWN.replace("\\n", "")
COLUMNS = "pid,comm,command,cgroup"
WORDS = {
    "doctor": [[]],
    "ps": [["-o", COLUMNS], ["--threads"]],
    "tree": [[], ["--threads"]],
    "states": [[]],
    "show": [["PID"]],
    "maps": [["PID"]],
    "mem": [[], ["--by-command"]],
    "top": [["--once", "--interval", "0.1", "-o", COLUMNS]],
    "zombies": [["-o", "parent,zombies,cause,cure"]],
    "kill": [["--dry-run", "--name", "X$", "-o", COLUMNS]],
    "metrics": [[]],
    "completion": [["bash"]],
}
# The end of the name: before that, /proc/PID/maps has the kernel's own way to write a line break.
END_SHOWN = (
    "\\u202e\\u2028\\x7f\\rX",
    "\\u202e\\u2028\\u007f\\rX",  # in JSON
    "\\\\u202e\\\\u2028\\\\x7f\\\\rX",  # in a label
)
NOT_NAMED = {"states", "completion"}  # these show no name


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A process with that name in a control group of that name, with a zombie of that name."""
    folder = tmp_path_factory.mktemp("names")
    with control_group("pids", 100) as group:
        inner = group / GROUP
        inner.mkdir()
        command = victim("names_itself", str(folder), os.fsdecode(NAME))
        try:
            with running(as_pid1(within(inner, *command))) as started:
                started.wait_line("ready")
                yield started
        finally:
            eventually(lambda: not (inner / "cgroup.procs").read_text(), "an empty control group")
            inner.rmdir()


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_view_drives_the_terminal(command: str, as_json: bool, hostile: Running) -> None:
    for words in WORDS[command]:
        named = [word.replace("PID", str(pid_inside(hostile.pid))) for word in words]
        where = ["--root", root(hostile.pid)]
        more = ["--wide", *["--json"] * as_json] if command != "completion" else ["--wide"]
        code, out, err = reaperctl(command, *named, *where, *more)
        assert code in (0, 1), err
        assert (out + err).replace("\n", "").replace("\t", "").isprintable()
        is_named = any(end in out for end in END_SHOWN)
        assert is_named or command in NOT_NAMED


def test_the_paths_of_a_process_are_shown_whole(hostile: Running) -> None:
    pid = str(hostile.pid)
    out = reaperctl("show", pid, "--wide")[1]
    assert f"/{SHOWN}\n" in out.partition("directory")[2]
    assert f"/{SHOWN_GROUP}" in out.partition("cgroups")[2].splitlines()[0]
    mapped = SHOWN.replace("\\n", "\\012")  # the kernel's own escape
    assert f"/{mapped}/{mapped}\n" in reaperctl("maps", pid, "--wide")[1]


def test_a_mistake_does_not_either() -> None:
    name = os.fsdecode(NAME)
    for words in (
        ["ps", "-o", name], ["ps", "--user", name], ["ps", "--root", f"/{name}"], ["ps", name],
        [name], ["top", "--trace", name], ["metrics", "--output", f"/{name}/x"],
        ["kill", "--signal", name], ["doctor", "--ignore", name], ["ps", f"--{name}"],
        ["show", "self", "--container", name], ["maps", "1", "--kind", name],
    ):  # fmt: skip
        code, out, err = reaperctl(*words)
        assert (code, out) == (2, "")
        assert err.endswith("\n") and err[:-1].isprintable(), words
