"""The command line: one line for every mistake, stable JSON, tables within their width."""

import inspect
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ctl import reaperctl
from support import REPO

from reaper.inspector.cli import module_of
from reaper.inspector.command import Command
from reaper.inspector.commands import COMMANDS
from reaper.inspector.render.style import cpu, cut, duration, moment, size, width

ODD = str(Path(__file__).parent.parent / "data" / "proc" / "odd" / "proc")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("show", "99999999"), "no process 99999999; reaperctl ps lists those that are there"),
        (("tree", "99999999"), "no process 99999999; reaperctl ps lists those that are there"),
        (("maps", "99999999"), "no process 99999999; reaperctl ps lists those that are there"),
        (
            ("ps", "1,99999999", "--root", ODD),
            "no process 99999999; reaperctl ps lists those that are there",
        ),
        (("ps", "--root", "/nowhere"), "/nowhere: No such file or directory; is /proc mounted?"),
        (
            ("states", "-o", "nme"),
            'no column "nme"; columns are: state, name, count, meaning, cure',
        ),
        (
            ("states", "--sort", "-nme"),
            'no column "nme"; columns are: state, name, count, meaning, cure',
        ),
        (("ps", "-o", ","), None),
        (
            ("maps", "1", "--kind", "code"),
            'no kind "code"; kinds are: text, data, bss, heap, anonymous, libraries, files, '
            "shared, stack",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words: tuple[str, ...], line: str | None) -> None:
    code, out, err = reaperctl(*words)
    assert (code, out) == (2, "")
    assert err.startswith("reaperctl: ") and err.count("\n") == 1
    if line:
        assert err == f"reaperctl: {line}\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("ps", "--state", "Q"),
            'reaperctl ps: argument -s/--state: no state "Q"; states are R S D T t Z X I P; '
            "see reaperctl ps --help",
        ),
        (
            ("ps", "--name", "("),
            'reaperctl ps: argument -n/--name: "(" is not a pattern: missing ), unterminated '
            "subpattern at position 0; see reaperctl ps --help",
        ),
        (
            ("ps", "--user", "no-such-user"),
            'reaperctl ps: argument -u/--user: no user "no-such-user" here; a number works too; '
            "see reaperctl ps --help",
        ),
        (
            ("ps", "--parent", "x"),
            'reaperctl ps: argument -P/--parent: "x" is not a number; see reaperctl ps --help',
        ),
        (
            ("show", "x"),
            'reaperctl show: argument PID: "x" is not a number; see reaperctl show --help',
        ),
    ],
)
def test_a_bad_option_names_the_option(words: tuple[str, ...], line: str) -> None:
    assert reaperctl(*words) == (2, "", line + "\n")


def test_an_unknown_command_lists_those_that_are() -> None:
    code, out, err = reaperctl("psx")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert set(COMMANDS) <= set(re.findall(r"\w+", err))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str) -> None:
    code, out, err = reaperctl(name, "--help")
    assert (code, err) == (0, "")
    assert f"  reaperctl {name}" in out.partition("\nexamples:\n")[2]
    assert max(map(len, (module_of(name).__doc__ or "").splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("member", [name for name in vars(Command) if not name.startswith("_")])
def test_a_module_has_what_a_command_has(name: str, member: str) -> None:
    """mypy cannot tell, because the modules are imported by name."""
    asked = inspect.signature(getattr(Command, member), eval_str=True)
    found = inspect.signature(getattr(module_of(name), member), eval_str=True)
    _, *parameters = asked.parameters.values()  # without self
    assert found == asked.replace(parameters=parameters)


def test_a_table_fits_its_width_unless_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    narrow = reaperctl("ps", "--root", ODD)[1].splitlines()
    assert max(map(len, narrow)) <= 60
    assert narrow[1].endswith("…")
    wide = reaperctl("ps", "--root", ODD, "--wide")[1].splitlines()
    assert wide[1].endswith("/opt/reaper/reaper -- app")


def test_json_has_null_for_what_is_unknown() -> None:
    words = ("ps", "10,60", "--root", ODD, "--json", "-o", "pid,uid,rss,tty,comm")
    assert json.loads(reaperctl(*words)[1]) == {
        "v": 1,
        "view": "ps",
        "rows": [
            {"pid": 10, "uid": 0, "rss": None, "tty": None, "comm": "gone"},
            {"pid": 60, "uid": None, "rss": 500 * 4096, "tty": None, "comm": "ok"},
        ],
        "notes": [],
    }


def test_scripts_get_rows_and_nothing_else() -> None:
    where = ("--root", ODD, "--no-headers")
    assert len(reaperctl("zombies", *where, "-o", "ppid")[1].splitlines()) == 1
    lines = reaperctl("states", *where, "-o", "state,count")[1].splitlines()
    assert all(len(line.split()) == 2 for line in lines)


def test_columns_to_sort_by_may_stand_apart() -> None:
    expected = reaperctl("ps", "--root", ODD, "--sort", "-ppid,-pid", "--pids")
    assert reaperctl("ps", "--root", ODD, "--sort", "-ppid -pid", "--pids") == expected
    assert reaperctl("ps", "9,41,7,1", "--root", ODD, "--pids")[1].split() == ["1", "7", "9", "41"]


def test_unknown_sorts_last_and_shows_a_dash() -> None:
    words = ("ps", "7,10,60", "--root", ODD, "-o", "pid,rss", "--bytes")
    for key, order in (("rss,-pid", "60 7 10"), ("-rss,pid", "7 60 10")):
        out = reaperctl(*words, "--sort", key)[1].splitlines()
        assert " ".join(line.split()[0] for line in out[1:]) == order
        assert out[3].split() == ["10", "–"]


def test_filters_must_all_hold() -> None:
    words = ("ps", "--root", ODD, "--pids")
    assert reaperctl(*words, "--parent", "7")[1].split() == ["8", "9", "10"]
    assert reaperctl(*words, "--parent", "7", "--state", "Z,D")[1].split() == ["10"]
    assert reaperctl(*words, "--session", "20")[1].split() == ["20", "21"]
    assert reaperctl(*words, "--group", "40,41")[1].split() == ["40", "41"]
    assert reaperctl(*words, "--name", "^circle$")[1].split() == ["40", "41"]
    assert reaperctl(*words, "--full", "--flag .*last")[1].split() == ["7"]
    assert reaperctl(*words, "--user", "root", "--name", "o[kr]")[1].split() == ["11", "21"]
    assert reaperctl(*words, "--older", "499.5", "--invert")[1].split() == ["30", "31", "40", "41"]
    inside = ("ps", "--root", ODD.replace("/odd/", "/cgroup-v1/"), "--pids")
    assert reaperctl(*inside, "--cgroup", "docker/3f2a")[1].split() == ["1"]


@pytest.mark.parametrize(
    ("words", "environment", "coloured"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_only_where_wanted(
    words: tuple[str, ...],
    environment: dict[str, str],
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in reaperctl("states", "--root", ODD, *words)[1]) is coloured


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """As in `reaperctl ps | true`."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "reaper.inspector", "ps", "--root", ODD]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, cwd=REPO, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (2, b"")


@pytest.mark.parametrize("words", ["states", "zombies", "ps --help", "--version", "ps --pids"])
@pytest.mark.parametrize(
    ("target", "said"), [("/dev/full", "standard output: No space left"), ("&-", "is closed")]
)
def test_an_output_that_cannot_be_written_is_an_error(words: str, target: str, said: str) -> None:
    """The exit code must not be 1, which says that something was found."""
    script = f"exec {sys.executable} -m reaper.inspector {words} --root {ODD} >{target}"
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}  # argparse hides a failure of its own
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, cwd=REPO, env=environment, check=False
    )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("reaperctl: ") and said in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_start_up_is_light() -> None:
    """No rich, no module of another command, and nothing of the init."""
    code = "from reaper.inspector.cli import main; import sys; main(sys.argv[1:]);"
    code += "print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, "doctor", "--root", ODD]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO)
    loaded = set(done.stderr.split())
    assert "reaper.inspector.answers.diagnosis" in loaded
    assert not {name for name in loaded if name.startswith(("reaper.init", "rich", "shtab"))}
    assert "reaper.inspector.commands.show" not in loaded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (512, "512B"), (1023, "1.0K"), (4096, "4.0K"), (10200, "10K"),
        (1023 * 1024, "1.0M"), (812 * 1024, "812K"), (1 << 40, "1.0T"), (1 << 63, "8.0E"),
    ],
)  # fmt: skip
def test_sizes(value: int, text: str) -> None:
    assert size(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (59.9, "59s"), (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"),
        (86399, "23h59m"), (86400, "1d00h"), (100 * 86400, "100d"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_cpu_times() -> None:
    assert [cpu(0.034), cpu(12.34), cpu(61)] == ["0.03s", "12.3s", "1m01s"]


def test_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000_000.0)
    monkeypatch.setattr(time, "localtime", time.gmtime)
    assert [moment(seconds) for seconds in (990_000, 900_000)] == ["11:00:00", "1970-01-11"]


def test_wide_characters_take_two_columns() -> None:
    assert width("e\u0301漢") == 3
    assert cut("漢字漢字", 5) == "漢字…"
    assert cut("abc", 3) == "abc" and cut("abcd", 3) == "ab…"
