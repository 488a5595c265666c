"""Counts in Prometheus' text format: processes by state, zombies by parent, adopted and reaped.

For node_exporter's textfile collector, use --output: it replaces the file in one step, so that a
reader never sees half of it. To count adopted and reaped processes, it needs the trace that
reaper --trace writes.

Examples:
  reaperctl metrics
  reaperctl metrics --trace /run/reaper.jsonl
  reaperctl metrics --output /var/lib/node_exporter/reaper.prom
  reaperctl metrics --container web
"""

import argparse
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ..answers.metrics import exposition, of_snapshot, of_trace
from ..answers.tally import ELSEWHERE, Tally
from ..errors import UserError
from ..view import NOTHING, View


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trace", metavar="FILE", help="count adopted and reaped in this trace")
    parser.add_argument("--output", metavar="FILE", help="write to this file, in one step (stdout)")


def run(view: View) -> int:
    tally = Tally(view.options.trace).update() if view.options.trace else None
    snapshot = view.snapshot(("status",))
    families = of_snapshot(snapshot)
    if tally:
        if not tally.look((process.stat for process in snapshot), view.proc.pid_namespace):
            view.note(ELSEWHERE)
        families += of_trace(tally)
        if tally.torn:
            view.note(f"{tally.torn} lines of the trace could not be read")
    if view.json:
        content = view.encoded(metrics=[asdict(family) for family in families])
    else:
        content = exposition(families)
    if view.options.output is None:
        view.out.write(content)
    else:
        _write(Path(os.path.realpath(view.options.output)), content)
    return NOTHING


def _write(path: Path, content: str) -> None:
    # The collector reads only *.prom, so it never reads this file before it is complete.
    between = path.parent / f".{path.name}.{os.getpid()}"
    try:
        if path.exists() and not path.is_file():
            path.write_text(content, encoding="utf-8")  # a device or a pipe stays what it is
        else:
            between.write_text(content, encoding="utf-8")
            between.replace(path)
    except OSError as error:
        with suppress(OSError):
            between.unlink()
        raise UserError(f"{path}: {error.strerror}; choose a folder that can be written") from None
