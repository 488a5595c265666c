"""Tells reaper's trace in sentences and judges whether everything went as promised. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reaper.demo.limit import Limit
from reaper.demo.stage import Outcome

Event = dict[str, Any]


def events(trace: str) -> list[Event]:
    """The events of a trace, which has one JSON object per line."""
    return [json.loads(line) for line in trace.splitlines()]


@dataclass(frozen=True)
class Facts:
    """The counts of a run. `leaky` is the side that never waits, `clean` is reaper's side."""

    orphans: int  # each side was to make that many
    limit: int  # processes that each side may have; 0: no limit
    leaky_made: int  # orphans; fewer if this side could not fork any more
    cannot_fork: str  # why it could not; empty if it made them all
    leaky_remaining: int  # zombies at the end
    clean_remaining: int  # zombies at the end
    clean_most: int  # zombies in the sample that has the most
    adopted: int
    reaped: int  # orphans; main is not counted
    lines_lost: int
    code: int

    @property
    def as_promised(self) -> bool:
        reaches_limit = 0 < self.limit < self.orphans
        return (
            self.leaky_remaining == self.leaky_made
            and (self.leaky_made == self.orphans or bool(self.cannot_fork))
            and (bool(self.cannot_fork) or not reaches_limit)
            and self.adopted == self.reaped == self.orphans
            and self.clean_remaining == self.lines_lost == self.code == 0
        )


def facts(orphans: int, limit: Limit, outcome: Outcome) -> Facts:
    seen = events(outcome.trace)
    last = outcome.samples[-1]
    return Facts(
        orphans=orphans,
        limit=limit.processes,
        leaky_made=outcome.leaky_made,
        cannot_fork=outcome.cannot_fork,
        leaky_remaining=last.leaky,
        clean_remaining=last.clean,
        clean_most=max(sample.clean for sample in outcome.samples),
        adopted=sum(event["event"] == "adopt" for event in seen),
        reaped=sum(_is_orphan(event) for event in seen),
        lines_lost=sum(event.get("lost", 0) for event in seen if event["event"] == "end"),
        code=outcome.code,
    )


def limit(held: Limit) -> str:
    """Say in a sentence which limit keeps the machine safe."""
    if held.processes:
        return f"Each side may have {held.processes} processes: {held.holder}."
    return (
        "No limit on processes can be set here, so the demo shows the leak but not how it ends: "
        "a limit needs root and a writable pids cgroup, or a user namespace, or Linux 6.14."
    )


def verdict(counts: Facts) -> list[str]:
    """Two sentences that say what was seen, and one that judges."""
    orphans = counts.orphans
    stuck = f"; {counts.cannot_fork}" if counts.cannot_fork else ""
    return [
        f"PID 1 that never waits: {counts.leaky_remaining} of {counts.leaky_made} orphans are "
        f"zombies and stay so{stuck}.",
        f"reaper: adopted {counts.adopted} and reaped {counts.reaped} of {orphans}, "
        f"{counts.clean_remaining} zombies remaining, at most {counts.clean_most} at one moment; "
        f"it exited with code {counts.code}.",
        "Verdict: as promised." if counts.as_promised else "Verdict: NOT as promised.",
    ]


def summary(seen: list[Event]) -> Iterator[str]:
    """Tell the trace in a few lines. Times are seconds since reaper's start."""
    if not seen:
        yield "  the trace is empty"
        return
    begin = seen[0]["mono_ns"]
    orphans = [event for event in seen if _is_orphan(event)]
    tellers = {"start": _start, "exec": _exec, "signal": _signal, "end": _end}
    for event in seen:
        text = ""
        if event["event"] in tellers:
            text = tellers[event["event"]](event)
        elif event["event"] == "reap" and event["role"] == "main":
            text = f"main, pid {event['pid']}, {_ending(event)}"
        elif orphans and event is orphans[0]:
            text = f"reaped the first orphan: {_orphan(event)}"
        elif orphans and event is orphans[-1]:
            cpu = sum(orphan["user"] + orphan["system"] for orphan in orphans)
            text = (
                f"reaped the last of {len(orphans)}: {_orphan(event)}; all used {cpu:.2f} s of CPU"
            )
        if text:
            yield f"  {(event['mono_ns'] - begin) / 1e9:7.3f} s  {text}"


def _is_orphan(event: Event) -> bool:
    return bool(event["event"] == "reap" and event["role"] == "orphan")


def _start(event: Event) -> str:
    place = "as PID 1" if event["pid1"] else f"as pid {event['pid']}"
    return f"reaper {event['version']} started {place} of PID namespace {event.get('pid_ns', '?')}"


def _exec(event: Event) -> str:
    words = " ".join(word.rpartition("/")[2] for word in event["argv"])
    return f"started main, pid {event['pid']}: {words}"


def _signal(event: Event) -> str:
    return f"{event['signal']} {event['direction']}"


def _end(event: Event) -> str:
    lost = f", {event['lost']} trace lines lost" if event.get("lost") else ""
    counts = f"adopted {event['adopted']}, reaped {event['reaped']}"
    return f"exited with code {event['code']}: {counts}{lost}"


def _orphan(event: Event) -> str:
    return f"{event.get('name', '?')}, pid {event['pid']}, {_ending(event)}"


def _ending(event: Event) -> str:
    return (
        f"exited with code {event['code']}" if "code" in event else f"killed by {event['signal']}"
    )
