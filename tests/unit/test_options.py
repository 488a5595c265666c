"""The command line and the environment, and the messages about bad input."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import REPO

from reaper.init import options as opt
from reaper.init import typos, usage
from reaper.init.options import Options, UsageError, parse
from reaper.signals import NUMBERS


def ok(*words: str, **environ: str) -> Options:
    block = {name.encode(): value.encode() for name, value in environ.items()}
    options = parse([*words], block)
    assert isinstance(options, Options)
    return options


def refused(*words: str, **environ: str) -> str:
    with pytest.raises(UsageError) as caught:
        ok(*words, **environ)
    assert "\n" not in caught.value.what + caught.value.cure
    return f"{caught.value.what} | {caught.value.cure}"


def test_the_command_begins_at_the_first_other_word() -> None:
    assert ok("-v", "a", "-v", "--", "--help").command == ["a", "-v", "--", "--help"]
    assert ok("--", "-v").command == ["-v"]
    assert ok("--", "--").command == ["--"]
    assert ok("-", "x").command == ["-", "x"]
    assert ok("").command == [""]


@given(st.lists(st.text(max_size=8), min_size=1))
def test_words_behind_the_dashes_are_never_touched(words: list[str]) -> None:
    assert ok("-g", "--", *words).command == words


def test_forms_of_writing() -> None:
    for words in (["--grace", "3"], ["--grace=3"]):
        assert ok(*words, "x").grace == 3
    for words in (
        ["-r", "TERM=QUIT"],
        ["-rTERM=QUIT"],
        ["--rewrite=15:3"],
        ["-vgr", "sigterm=QUIT"],
    ):
        assert ok(*words, "x").rewrite == {15: 3}
    grouped = ok("-vvgw", "x")
    assert (grouped.log_level, grouped.scope, grouped.warn_reap) == (3, "group", True)
    assert ok("--single-child", "x").scope == ok("-c", "x").scope == "main"
    assert ok("-q", "x").log_level == 0


def test_every_option_has_a_variable_and_the_command_line_wins() -> None:
    values = {
        "scope": "tree", "rewrite": "TERM=QUIT,HUP=", "grace": "1.5", "stop-timeout": "2",
        "stop-signals": "WINCH,rtmin+3",
        "stop-delay": "3", "expect": "143,3=4", "until": "empty", "adopted": "end",
        "subreaper": "1", "parent-death": "HUP", "warn-reap": "yes", "log-level": "debug",
        "log-format": "json", "log-file": "/l", "trace": "fd:1", "trace-mode": "exact",
        "termination-log": "off",
    }  # fmt: skip
    assert set(values) == {option.name for option in opt.TABLE}
    plain = ok("x")
    for option in opt.TABLE:
        variable = {option.variable: values[option.name]}
        changed = ok("x", **variable)
        assert getattr(changed, option.field) != getattr(plain, option.field)
        assert vars(ok("x", **{option.variable: ""})) == vars(plain)
    assert ok("--grace", "9", "x", REAPER_GRACE="1").grace == 9
    assert ok("-e", "3=5", "x", REAPER_EXPECT="143,3=4").expect == {143: 0, 3: 5}


def test_something_reads_every_option() -> None:
    """An option that is only parsed does nothing."""
    nodes = [
        node
        for module in (REPO / "reaper" / "init").glob("*.py")
        if module.name != "options.py"
        for node in ast.walk(ast.parse(module.read_text()))
    ]
    read = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value).rpartition(".")[2] in ("options", "chosen")
    }
    always_on = {"subreaper"}
    assert {option.field for option in opt.TABLE} - read == always_on


def test_what_is_not_the_default_is_told_with_where_it_comes_from() -> None:
    assert ok("--grace=5", "x", REAPER_LOG_LEVEL="warning").told() == []
    chosen = ok("-gc", "-v", "-rTERM=QUIT", "x", REAPER_REWRITE="HUP=", REAPER_STOP_DELAY="2")
    assert sorted(chosen.told()) == [
        "--log-level info (command line)",
        "--rewrite HUP= (REAPER_REWRITE)",
        "--rewrite TERM=QUIT (command line)",
        "--scope main (command line)",
        "--stop-delay 2 (REAPER_STOP_DELAY)",
    ]
    assert ok("--grace", "9", "x", REAPER_GRACE="1").told() == ["--grace 9 (command line)"]


TYPOS = {
    "REAPER_GRCE": "REAPER_GRACE, for --grace",
    "REAPER_STOPTIMEOUT": "REAPER_STOP_TIMEOUT, for --stop-timeout",
    "RAEPER_UNTIL": "REAPER_UNTIL, for --until",
    "reaper_scope": "REAPER_SCOPE, for --scope",
    "REAPER_SOPTE": "REAPER_SCOPE, for --scope",
}
NO_TYPOS = (
    "REAPER_GRACE", "PATH", "REAPER_VERSION", "THREADS", "OTEL_TRACE", "REAPER_GRC_PORT",
    "REAPER_SERVICE_HOST", "REAPER_GR_SERVICE_PORT", "GRACE", "",
)  # fmt: skip


@pytest.mark.parametrize("name", [*TYPOS, *NO_TYPOS])
def test_a_variable_that_is_nearly_one_of_ours(name: str) -> None:
    said = typos.find({name.encode(): b"1"})
    meant = f"{name} is not a variable of reaper: did you mean {TYPOS.get(name)}?"
    assert said == ([meant] if name in TYPOS else [])


def test_a_list_may_have_spaces_behind_its_commas() -> None:
    words = ok("--stop-signals", "TERM, sigint ,QUIT", "x")
    block = ok("x", REAPER_STOP_SIGNALS=" TERM, INT,QUIT", REAPER_REWRITE="TERM=QUIT, 1:2")
    assert words.stop_signals == block.stop_signals == {15, 2, 3}
    assert block.rewrite == {15: 3, 1: 2}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no program to run"),
        (["-v", "--"], "no program to run"),
        (["--nonsense", "x"], 'unknown option "--nonsense"'),
        (["-vZ", "x"], 'unknown option "-Z"'),
        (["--grace"], "--grace needs a value | write --grace SECONDS"),
        (["-r"], "-r needs a value | write -r SIG=SIG"),
        (["--warn-reap=1", "x"], "--warn-reap takes no value"),
        (["--grace", "soon", "x"], '--grace: "soon" is not a number of seconds such as 5 or 0.5'),
        (["--grace", "-1", "x"], '"-1" is not a number of seconds'),
        (["--grace", "nan", "x"], '"nan" is not a number of seconds'),
        (["--grace", "1e99", "x"], '"1e99" is not a number of seconds'),
        (["--scope", "all", "x"], '--scope: "all" is not one of group, main, tree'),
        (["-r", "TERM", "x"], '-r: "TERM" is not SIG=SIG'),
        (["-r", "FOO=TERM", "x"], '-r: "FOO" is not a signal; use a name such as TERM'),
        (["-r", "32=TERM", "x"], '"32" is not a signal'),
        (["-r", "65=TERM", "x"], '"65" is not a signal'),
        (["-r", "KILL=TERM", "x"], "names SIGKILL, which is never forwarded"),
        (["-r", "CHLD=TERM", "x"], "names SIGCHLD, which is never forwarded"),
        (["-e", "256", "x"], '-e: "256" is not CODE, CODE=N or stop'),
        (["-e", "1=x", "x"], '"1=x" is not CODE'),
        (["-p", "0", "x"], '-p: "0" is not a signal'),
        (["--log-level", "loud", "x"], '"loud" is not one of error, warning, info, debug'),
        (["--trace", "fd:x", "x"], '--trace: "fd:x" is neither a path nor fd:N'),
        (["--trace", "", "x"], '"" is neither a path nor fd:N'),
        (
            ["--termination-log", "log", "x"],
            '--termination-log: "log" is neither an absolute path nor off',
        ),
    ],
)
def test_bad_input_names_the_thing_and_the_cure(words: list[str], said: str) -> None:
    assert said in refused(*words)


def test_a_bad_variable_is_named() -> None:
    assert refused("x", REAPER_GRACE="soon").startswith('REAPER_GRACE: "soon" is not a number')
    assert refused("x", REAPER_WARN_REAP="perhaps").startswith("REAPER_WARN_REAP: ")


def test_help_and_version_win_over_what_follows() -> None:
    assert parse(["-v", "--help", "--nonsense"], {b"REAPER_GRACE": b"x"}) == "help"
    assert parse(["-vV"], {}) == parse(["--version"], {}) == "version"


def test_help_names_every_option_and_every_signal_and_fits() -> None:
    text = usage.text()
    for option in opt.TABLE:
        flag = f"--{option.name} {option.metavar}".strip()
        assert f" {flag} " in text or f" {flag}\n" in text
    for name in NUMBERS:
        assert f" {name[3:]}" in text
    assert max(map(len, text.splitlines())) <= 88


@pytest.mark.parametrize("option", opt.TABLE, ids=lambda option: option.name)
def test_the_default_in_brackets_is_the_default(option: opt.Option) -> None:
    default = getattr(ok("x"), option.field)
    said = re.search(r"\[(.+)\]$", option.help)
    if said and default != "":  # the empty text means what is in the brackets
        assert getattr(ok(f"--{option.name}", said[1], "x"), option.field) == default
    else:
        assert said or not default


USAGE = """\
Usage: reaper [OPTIONS] [--] PROGRAM [ARG...]

Run PROGRAM as the main process of a container: forward signals to it, reap every
orphan, and leave with PROGRAM's exit code. Main is the process that runs PROGRAM; the
rest is every other process that the init is responsible for.

Options:
      --scope group|main|tree   who gets a forwarded signal: main's process group (-g),
                                main alone (-c), or every descendant [group]
  -r, --rewrite SIG=SIG         rewrite a signal before it is forwarded; SIG= drops it;
                                repeatable
      --grace SECONDS           when main is gone: send TERM to the rest, wait up to
                                this long, then send KILL; 0: leave at once [5]
"""


def test_help_as_it_is_printed() -> None:
    assert usage.text().startswith(USAGE)
