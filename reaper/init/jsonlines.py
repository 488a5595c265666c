"""JSON Lines (RFC 8259, one object a line): the trace, and the log with --log-format json.

Loaded at the start if one of them is asked for. It is written by hand, because the json module
would cost a third of a start.
"""

import posix
import resource  # noqa: F401  else the first wait4 would load it, after it has taken a zombie
import time

from reaper import events
from reaper.escape import json_escaped
from reaper.init import options as opt
from reaper.init.journal import PIPE_BUF, Log, Sink, reason, timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    Json = str | int | float | bool | list[str]


class JsonLog(Log):
    """Lines for machines: `{"ts": ..., "level": "warning", "event": ..., "message": ...}`."""

    def _line(self, level: int, event: str, message: str) -> str:
        fields: dict[str, Json] = {"ts": timestamp(), "level": opt.LEVELS[level]}
        line = to_json({**fields, "program": "reaper", "event": event, "message": message})
        if len(line.encode(errors="backslashreplace")) < PIPE_BUF:
            return line
        return self._line(
            level, event, message[: PIPE_BUF // 8] + " ..."
        )  # six bytes a character at most


class Trace:
    """Lifecycle events, in the vocabulary of `reaper.events`."""

    version = events.VERSION

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.told_lost = 0  # how many lost lines the drop events told of

    def emit(self, event: str, pid: int, **fields: "Json | None") -> None:
        if self._tell_loss():
            self._write(event, pid, fields)
        else:
            self.sink.lost += 1

    def _tell_loss(self) -> bool:
        """Say how many lines were lost, as `Log.tell_loss` does."""
        lost = self.sink.lost
        if not lost:
            return True
        told = self._write("drop", posix.getpid(), {"lines": lost, "reason": reason(self.sink)})
        self.told_lost += lost if told else 0
        self.sink.lost -= lost if told else 1
        return told

    def _write(self, event: str, pid: int, fields: "dict[str, Json | None]") -> bool:
        line: dict[str, Json] = {
            "ts": timestamp(),
            "mono_ns": time.monotonic_ns(),
            "event": event,
            "pid": pid,
        }
        line |= {name: value for name, value in fields.items() if value is not None}
        text = to_json(line).encode(errors="backslashreplace")
        if len(text) >= PIPE_BUF:
            text = to_json(line | _shortened(line)).encode(errors="backslashreplace")
        return self.sink.write(text + b"\n")


# Characters of argv that always fit, with all other fields at their longest: a character
# takes six bytes at most.
_ROOM = PIPE_BUF // 16


def _shortened(line: "dict[str, Json]") -> "dict[str, Json]":
    """The beginning of argv, and the mark that it was cut.

    Only argv can be of any length: the kernel limits names, host names and numbers.
    """
    argv = line.get("argv")
    if isinstance(argv, list) and (words := _beginning(argv, _ROOM)) != argv:
        return {"argv": words, "argv_cut": True}
    return {}


def _beginning(argv: list[str], characters: int) -> list[str]:
    """The beginning of an argument list."""
    kept: list[str] = []
    for word in argv:
        kept.append(word[:characters])
        characters -= len(word) + 1
        if characters <= 0:
            break
    return kept


def to_json(value: "dict[str, Json] | Json") -> str:
    """A flat object as JSON text."""
    if isinstance(value, dict):
        pairs = [f'"{name}":{to_json(item)}' for name, item in value.items()]
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(to_json, value))}]"
    if isinstance(value, str):
        return f'"{json_escaped(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6f}" if isinstance(value, float) else str(value)
