"""What is wrong with the processes here, whose fault it is and what to do, the worst first.

It looks twice, a moment apart, so that it does not report what passes by itself.
Exit code: 0 if it found nothing, 1 if it found something.

Examples:
  reaperctl doctor                            in a container: docker exec web reaperctl doctor
  reaperctl doctor --json                     for programs
  reaperctl doctor --ignore no-init,sigpipe   without findings that are accepted
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from textwrap import wrap

from ...escape import escaped
from ..answers.diagnosis import CHECKS, CRITICAL, NOTICE, WARNING, Finding, diagnose
from ..answers.examination import examine
from ..view import FOUND, NOTHING, View, add_settle

STYLES = {CRITICAL: "alarm", WARNING: "yellow", NOTICE: "cyan"}
SHOWN = 5  # pids of a finding that are shown
LABELS = (("evidence", "seen"), ("cause", "cause"), ("cure", "do"))


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ignore", metavar="KEYS", type=_keys, default=(),
        help=f"leave out these findings: {', '.join(CHECKS)}",
    )  # fmt: skip
    add_settle(parser)


def _keys(words: str) -> list[str]:
    keys = words.split(",")
    for key in keys:
        if key not in CHECKS:
            raise argparse.ArgumentTypeError(f'no finding "{key}"; they are {", ".join(CHECKS)}')
    return keys


def run(view: View) -> int:
    facts = examine(view.proc, view.snapshot, view.options.settle)
    findings = diagnose(facts, view.options.ignore)
    hosts = {process.pid: process.hostpid for process in facts.snapshot if view.proc.foreign}
    if view.json:
        view.emit(
            findings=[
                {**asdict(finding), "hostpids": [hosts.get(pid) for pid in finding.pids]}
                for finding in findings
            ]
        )
    elif not findings:
        count = len(facts.snapshot.processes)
        more = ", as far as they can be seen" if view.notes else ""
        view.print(f"nothing found: {count} process{'es' * (count != 1)} looked at{more}")
    else:
        view.print("\n\n".join("\n".join(lines(view, finding, hosts)) for finding in findings))
    return FOUND if findings else NOTHING


def lines(view: View, finding: Finding, hosts: Mapping[int, int | None]) -> list[str]:
    """A finding for people: a heading, how it is known, its cause, and what to do.

    If the processes have other pids on this side, one more line says which.
    """
    title = escaped(f"{finding.title} [{finding.key}]")
    result = [view.paint(finding.severity.upper(), STYLES[finding.severity]) + f"  {title}"]
    said = [(label, f"{getattr(finding, name)}.") for name, label in LABELS]
    known = [f"{pid} is {hosts[pid]}" for pid in finding.pids if hosts.get(pid)]
    if known:
        more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
        said.append(("here", f"on this side {', '.join(known[:SHOWN])}{more}."))
    for label, text in said:
        head = f"  {label:<6} "
        room = (view.room or 10**6) - len(head)
        first, *rest = wrap(
            escaped(text), max(room, 20), break_long_words=False, break_on_hyphens=False
        )
        result += [head + first, *(" " * len(head) + line for line in rest)]
    return result
