"""`python -m reaper.demo`: reads the options, runs the demo, prints the result, and exits."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from reaper.demo import chart, limit, screen, stage, story

UNABLE = 2
INTERRUPTED = 130

_DESCRIPTION = """\
The zombie leak, live. The same workload leaves orphans behind in two PID namespaces: in one, PID 1
never waits; in the other, PID 1 is reaper. Each side has a limit on its number of processes, as a
container has. The leaking side reaches its limit and cannot fork any more; the other goes on.
Needs Linux, unshare (util-linux), and root or user namespaces.
"""
_EPILOG = """\
Exit code: 0 if everything went as promised, 1 if not, 2 if the demo cannot run here.

examples:
  python3 -m reaper.demo
  python3 -m reaper.demo --zombies 1000 --rate 300 --chart zombies.svg
  python3 -m reaper.demo --json | jq .facts
"""


def number(low: float, high: float, kind: type[int] | type[float]) -> Callable[[str], float]:
    """Make an argparse type that accepts a number from `low` to `high`."""

    def convert(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(-1)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f'"{text}" is not a number from {low} to {high}')
        return value

    return convert


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python3 -m reaper.demo",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--zombies", metavar="N", type=number(1, 10000, int), default=600,
        help="how many orphans the workload leaves behind, 1 to 10000 [600]",
    )  # fmt: skip
    made.add_argument(
        "--rate", metavar="R", type=number(1, 1000, float), default=200,
        help="orphans a second, 1 to 1000 [200]",
    )  # fmt: skip
    made.add_argument(
        "--limit", metavar="N", type=number(limit.LEAST, 10000, int), default=400,
        help=f"how many processes each side may have, {limit.LEAST} to 10000 [400]",
    )  # fmt: skip
    made.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    made.add_argument("--chart", metavar="FILE", type=Path, help="draw the curves into an SVG file")
    return made


def main(arguments: list[str]) -> int:
    chosen = parser().parse_args(arguments)
    try:
        if chosen.chart:
            chosen.chart.touch()
        return perform(chosen)
    except stage.UnableError as error:
        complain(str(error))
    except OSError as error:
        complain(f"{error.filename or 'error'}: {error.strerror}")
    except KeyboardInterrupt:
        return INTERRUPTED
    return UNABLE


def complain(text: str) -> None:
    print(f"reaper.demo: {text}", file=sys.stderr)


def perform(chosen: argparse.Namespace) -> int:
    top = min(chosen.zombies, chosen.limit)
    shown = screen.Silence() if chosen.json else screen.choose(sys.stdout, top)
    namespace = stage.namespace()
    with ExitStack() as stack:
        stack.callback(shown.close)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reaper-demo-"))
        leaky, clean = (stack.enter_context(limit.hold(namespace, chosen.limit)) for _ in range(2))
        shown.say(story.limit(leaky))
        enter = ([*namespace, *leaky.enter], [*namespace, *clean.enter])
        work = (chosen.zombies, chosen.rate)
        outcome = stage.play(work, enter, Path(folder) / "trace", shown.show)
    facts = story.facts(chosen.zombies, leaky, outcome)
    if chosen.chart:
        chosen.chart.write_text(chart.svg(outcome.samples), encoding="utf-8")
    print(as_json(facts, outcome) if chosen.json else as_text(facts, outcome))
    return 0 if facts.as_promised else 1


def as_text(facts: story.Facts, outcome: stage.Outcome) -> str:
    seen = story.events(outcome.trace)
    head = f"What reaper did, from its trace of {len(seen)} events:"
    return "\n".join(["", head, *story.summary(seen), "", *story.verdict(facts)])


def as_json(facts: story.Facts, outcome: stage.Outcome) -> str:
    """It has the keys `samples` (see stage.Sample), `facts` (see story.Facts) and `as_promised`."""
    return json.dumps({
        "samples": [sample._asdict() for sample in outcome.samples],
        "facts": asdict(facts),
        "as_promised": facts.as_promised,
    })  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
