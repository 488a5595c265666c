"""Signals, statuses, events, the journal's text: the tables and what reads them."""

import ast
import json
import os
import signal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statline import stat_line
from support import REPO

from reaper import events, signals, status
from reaper.init import journal, jsonlines, surroundings, termination
from reaper.init.proc import Process


def test_the_policy_has_every_signal_of_this_machine_once() -> None:
    standard = {number.name for number in signal.Signals} - {"SIGRTMIN", "SIGRTMAX"}
    assert [name for name, _, _ in signals.POLICY] == sorted(
        standard, key=lambda name: int(signal.Signals[name])
    )
    assert set(signals.ACTIONS) == {*range(1, 32), *range(34, 65)}
    assert all(reason for _, _, reason in signals.POLICY)
    assert {action for _, action, _ in signals.POLICY} == set(signals.MEANING)


def test_names_and_numbers_go_both_ways() -> None:
    for number in signals.ACTIONS:
        name = signals.name_of(number)
        for text in (name, name.lower(), name[3:], str(number)):
            assert signals.parse(text) == number
    assert signals.describe(15) == "SIGTERM (15)"
    assert signals.name_of(32) == "signal 32"
    assert [signals.parse(text) for text in ("IOT", "SIGCLD", "poll")] == [6, 17, 29]


@pytest.mark.parametrize(
    "text", ["", "SIG", "NONE", "0", "32", "33", "65", "-1", "²", "RTMIN+31", "RTMIN-1", "RTMAX-x"]
)
def test_what_is_no_signal(text: str) -> None:
    with pytest.raises(ValueError, match="is not a signal"):
        signals.parse(text)


@given(st.integers(0, 255))
def test_wait_status_of_an_exit(code: int) -> None:
    ended = status.ending(code << 8)
    assert (ended.code, ended.signal, ended.exit_code) == (code, None, code)


@given(st.sampled_from(sorted(signals.ACTIONS)), st.booleans())
def test_wait_status_of_a_death(number: int, core: bool) -> None:
    ended = status.ending(number | core << 7)
    assert (ended.code, ended.signal, ended.core, ended.exit_code) == (
        None,
        number,
        core,
        128 + number,
    )


@given(st.integers(1, 133))
def test_exec_failure_codes(number: int) -> None:
    assert status.exec_failure_code(number) == (127 if number == 2 else 126)


def test_every_field_of_every_event_is_described() -> None:
    used = {field for always, known in events.EVENTS.values() for field in (*always, *known)}
    assert used | set(events.COMMON) == set(events.FIELDS)


def test_every_event_says_when_it_is_written() -> None:
    assert list(events.WHEN) == list(events.EVENTS)


def keywords(call: ast.Call) -> set[str]:
    """The names of the call's arguments; `**` stands for a dictionary of them."""
    return {keyword.arg or "**" for keyword in call.keywords}


def test_the_fields_of_the_schema_are_written_and_no_others() -> None:
    """A field that is always there is written wherever the event is."""
    calls = [
        node
        for name in ("report", "jsonlines")
        for node in ast.walk(ast.parse((REPO / f"reaper/init/{name}.py").read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    written: dict[str, set[str]] = {event: set() for event in events.EVENTS}
    for call in calls:
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr == "emit" and isinstance(call.args[0], ast.Constant):
            event = str(call.args[0].value)
            written[event] |= keywords(call)
            assert set(events.EVENTS[event][0]) <= keywords(call), event
        if call.func.attr == "_signal":
            written["signal"] |= keywords(call)
    written["drop"] = {"lines", "reason"}  # `Trace` itself writes this event
    for event, (always, known) in events.EVENTS.items():
        names = written[event]
        names |= {"name", "ppid", "pgid", "sid"} if "**" in names else set()
        names |= {"argv_cut"} if "argv" in names else set()
        assert {*always, *known} <= names, event
        identity = {"**", "name", "ppid", "pgid", "sid"}
        assert names <= {*always, *known, *identity}, event


LOG_CALLS = {"error": 0, "warning": 0, "info": 0, "debug": 0, "once": 0, "say": 1, "_write": 1}


def logged_events(source: str) -> set[str]:
    """The events that a module's calls of the log name."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = set()
    for call in calls:
        place = LOG_CALLS.get(call.func.attr) if isinstance(call.func, ast.Attribute) else None
        if place is not None and len(call.args) > place + 1:
            argument = call.args[place]
            if isinstance(argument, ast.Constant):
                named.add(argument.value)
    return named


def test_the_log_uses_the_events_of_the_table_and_no_others() -> None:
    modules = (REPO / "reaper" / "init").glob("*.py")
    assert set().union(*(logged_events(module.read_text()) for module in modules)) == set(
        events.LOG_EVENTS
    )


@given(st.dictionaries(st.from_regex("[a-z]+", fullmatch=True), st.one_of(
    st.text(), st.integers(), st.booleans(), st.lists(st.text()),
    st.binary().map(lambda data: data.decode(errors="surrogateescape")))))  # fmt: skip
def test_json_text_is_read_back_by_json(value: dict[str, object]) -> None:
    text = jsonlines.to_json(value)  # type: ignore[arg-type]
    assert "\n" not in text
    assert json.loads(text) == value


def traced(event: str, pid: int, **fields: Any) -> tuple[int, dict[str, Any]]:
    """The event as a trace writes it to a pipe: the length of the line in bytes, and the line."""
    receive, send = os.pipe()
    sink = journal.Sink(f"fd:{send}")
    jsonlines.Trace(sink).emit(event, pid, **fields)
    data = os.read(receive, 1 << 16)
    for descriptor in {receive, send, sink.fd}:
        os.close(descriptor)
    assert data.endswith(b"\n") and data.count(b"\n") == 1
    return len(data), json.loads(data)


@given(st.lists(st.text(max_size=9000), max_size=5))
def test_a_trace_line_is_one_write_of_a_pipe(argv: list[str]) -> None:
    length, line = traced("exec", 1, name="x", argv=argv)
    assert length <= journal.PIPE_BUF
    assert line["argv"] == argv or line["argv_cut"]


# By type, then by name: a byte that is not UTF-8 takes six characters of JSON.
LONGEST_OF_A_TYPE = {
    "string": "RTMIN+15" * 4, "integer": -(1 << 63), "number": 1e12, "boolean": False, "array": [],
}  # fmt: skip
LONGEST = {
    "argv": ["\udcff" * 131071] * 2,  # MAX_ARG_STRLEN of execve(2)
    "host": "\udcff" * 64,  # uname(2)
    "name": "\udcff" * 15,
    "sender_name": "\udcff" * 15,
}
# Texts that LONGEST_OF_A_TYPE is long enough for: names of signals and errors, and our own words.
SHORT = {
    "version", "mode", "error", "signal", "direction", "rewritten", "result", "role", "phase",
    "reason",
}  # fmt: skip


def test_of_every_text_in_the_trace_it_is_known_how_long_it_gets() -> None:
    texts = {name for name, (kind, _) in events.FIELDS.items() if kind in ("string", "array")}
    assert texts - set(events.COMMON) == SHORT | set(LONGEST)


@pytest.mark.parametrize("argv", [LONGEST["argv"], ["\udcff"] * 9999, [""] * 9999, ["short"]],
                         ids=["long words", "short words", "empty words", "a word"])  # fmt: skip
@pytest.mark.parametrize("event", events.EVENTS)
def test_every_event_at_its_longest_is_one_write_of_a_pipe(event: str, argv: list[str]) -> None:
    """A field that was cut to fit keeps its beginning and is marked; no other field is marked."""
    always, known = events.EVENTS[event]
    names = [name for name in (*always, *known) if not name.endswith("_cut")]
    longest = {name: LONGEST_OF_A_TYPE[events.FIELDS[name][0]] for name in names}
    longest |= {name: value for name, value in (LONGEST | {"argv": argv}).items() if name in names}
    length, line = traced(event, 1 << 22, **longest)
    assert length <= journal.PIPE_BUF
    assert set(names) <= set(line)
    if "argv" in names:
        assert line.get("argv_cut", False) == (line["argv"] != longest["argv"])
        assert "".join(longest["argv"]).startswith("".join(line["argv"]))
    assert {name for name in line if name.endswith("_cut")} <= {*always, *known}


@pytest.mark.parametrize("name", ["a b", "a) R 1 2", "(x)", "\n", "", "a" * 15, "\udcff"])
def test_a_stat_line_is_split_at_the_last_parenthesis(name: str) -> None:
    found = Process(stat_line(33, name, pgrp=7, session=8, starttime=4242))
    assert (found.pid, found.name, found.state, found.ppid) == (33, name, "S", 1)
    assert (found.pgid, found.sid, found.start_ticks) == (7, 8, 4242)


SIZES = {
    None: "none",
    0: "0 B",
    999: "999 B",
    1536: "1.5 KiB",
    64 << 20: "64 MiB",
    3 << 40: "3.0 TiB",
}


@pytest.mark.parametrize(("number", "text"), SIZES.items())
def test_sizes_for_people(number: int | None, text: str) -> None:
    assert surroundings.size(number) == text


LINES = {"a\nb": rb"a\nb", "\x1b[1m": rb"\x1b[1m", "é\udcff": "é\\xff".encode(), "": b""}


@pytest.mark.parametrize(("text", "shown"), LINES.items())
def test_last_words_are_one_printable_line(text: str, shown: bytes) -> None:
    assert termination.line(text) == shown + b"\n"


@given(st.text(min_size=1500))
def test_last_words_are_cut_between_characters(text: str) -> None:
    line = termination.line(text)
    assert len(line) <= termination.LIMIT
    assert line.decode().removesuffix("\n").isprintable()
