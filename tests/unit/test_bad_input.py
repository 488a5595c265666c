"""Every mistake, in every command that allows it, gives one line on stderr and exit code 2."""

from pathlib import Path

import pytest
from ctl import reaperctl

from reaper.inspector.commands import COMMANDS

NEEDED = {"show": ["1"], "maps": ["1"], "completion": ["bash"], "kill": ["1", "--dry-run"]}
ALL = set(COMMANDS)
PROC = ALL - {"completion"}
PID = {"ps", "tree", "show", "maps", "kill"}
TABLE = PROC - {"show", "doctor", "metrics"}
FILTERS = TABLE - {"tree", "maps", "zombies"}
TOO_LARGE = "99999999999999999999"
PIDS = (TOO_LARGE, "0", "x", "-5")

# commands -> what is wrong -> a part of the line that names it
MISTAKES: list[tuple[set[str], str, str]] = [
    (ALL, "--nonsense", "unrecognized arguments: --nonsense"),
    (ALL, "--color pink", "invalid choice: 'pink'"),
    (ALL, "--root /proc --container web", "not allowed with argument --root"),
    (PROC, "--root /nowhere", "/nowhere: No such file or directory; is /proc mounted?"),
    (PROC, "--root /etc/passwd", "/etc/passwd: Not a directory; is /proc mounted?"),
    (PROC, "--root /etc", "/etc: no processes; is /proc mounted there?"),
    (PROC, "--container nope", "--container needs the docker or podman command"),
    (PID, TOO_LARGE, f"no process {TOO_LARGE}; reaperctl ps lists those that are there"),
    (PID, "0", "no process 0; reaperctl ps lists those that are there"),
    (PID, "x", '"x" is not a number'),
    (PID, "-5", "-5"),
    (TABLE, "-o pid,nope", 'no column "'),
    (TABLE, "-o ,", "no column named; columns are: "),
    (TABLE, "--sort -nope", 'no column "nope"; columns are: '),
    (TABLE, "--sort ,", "no column named; columns are: "),
    (FILTERS, "--state Q", 'no state "Q"; states are R S D'),
    (FILTERS, "--name (", '"(" is not a pattern: '),
    (FILTERS, "--full [", '"[" is not a pattern: '),
    (FILTERS, "--cgroup *", '"*" is not a pattern: '),
    (FILTERS, "--user nobody-here", 'no user "nobody-here" here; a number works too'),
    (FILTERS, "--real-user nobody-here", 'no user "nobody-here" here; a number works too'),
    (FILTERS, "--real-group nobody-here", 'no group "nobody-here" here; a number works too'),
    (FILTERS, "--group x", '"x" is not a number'),
    (FILTERS, "--session 1,", '"" is not a number'),
    (FILTERS, "--parent -1", "--parent"),
    (FILTERS, "--older soon", '"soon" is not a number of seconds'),
    (FILTERS, "--newest --oldest", "not allowed with argument --newest"),
    ({"mem"}, "--by-user --by-command", "not allowed with argument"),
    ({"mem"}, "--by-user -o pid", 'no column "pid"; columns are: count, vss'),
    ({"ps"}, "--threads -o nope", 'no column "nope"; columns are: pid, tid'),
    ({"maps"}, "--kind code", 'no kind "code"; kinds are: text'),
    ({"doctor"}, "--ignore zombies,nope", 'no finding "nope"; they are oom-kills'),
    ({"doctor", "zombies"}, "--settle nan", '"nan" is not a number of seconds from 0 to 1e+06'),
    ({"zombies"}, "--max some", '"some" is not a number'),
    ({"top"}, "--interval 0", '"0" is not a number of seconds from 0.1 to 3600'),
    ({"top", "metrics"}, "--trace /nowhere", "/nowhere: No such file or directory; reaper --trace"),
    ({"metrics"}, "--output /nowhere/x", "/nowhere/x: No such file or directory; choose a folder"),
    ({"metrics"}, "--output /", "/: "),
    ({"kill"}, "--signal NOPE", '"NOPE" is not a signal'),
    ({"kill"}, "--grace -1", "--grace"),
    ({"completion"}, "fish", "fish"),
]
CASES = [
    (command, words, part)
    for commands, words, part in MISTAKES
    for command in sorted(commands)
]  # fmt: skip


@pytest.mark.parametrize(("command", "words", "part"), CASES)
def test_a_mistake_is_one_line(
    command: str, words: str, part: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no engine here
    given = [] if words in PIDS else NEEDED.get(command, [])
    code, out, err = reaperctl(command, *given, *words.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert part in err
    assert err.startswith(("reaperctl: ", f"reaperctl {command}: "))


@pytest.mark.parametrize("command", [*NEEDED])
def test_what_is_missing_is_said(command: str) -> None:
    code, out, err = reaperctl(command)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "required: " in err or "name pids, or a filter" in err
