"""What is measured of an init: one function for each kind, and a table of all rows.

A function measures one init in one round. It returns a value for each of its rows; a row that it
leaves out stays empty. It raises AssertionError if the init does not do what it must.
"""

import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from common import compiled
from figures import Row, percentile
from pid1 import Pid1, main_of

TRUE = ["/bin/true"]
LIVE = (10, 1000, 10_000)


@dataclass(frozen=True)
class Init:
    name: str
    command: Sequence[str]
    # `debug` and `trace` -> the options for that, before the last word of the command, `--`.
    talkative: Mapping[str, Sequence[str]]

    def saying(self, what: str) -> list[str]:
        """The command line with these options; as it is if there are none."""
        *words, dashes = self.command
        options = self.talkative.get(what)
        return [*words, *options, dashes] if options else list(self.command)


@dataclass(frozen=True)
class Sizes:
    """How much of everything, for one init in one round; and how many rounds a pace has."""

    rounds: Mapping[str, int]
    starts: int
    terms: int
    signals: int
    gap: float  # seconds from an answer to the next signal
    rt_signals: int
    rt_rate: int  # a second
    orphans: int
    steady: int
    steady_rate: int  # a second
    beside_live: int
    live_share: float  # of the live children that a row names; less than 1 only in tests
    burst: int
    ends: int
    idle: float  # seconds
    reaps: int
    containers: int

    def with_rounds(self, count: int) -> "Sizes":
        return replace(self, rounds=dict.fromkeys(self.rounds, count))


FULL = Sizes(
    rounds={"quick": 5, "slow": 3, "once": 1},
    starts=20, terms=60, signals=5000, gap=0.0002, rt_signals=10_000, rt_rate=10_000,
    orphans=20_000, steady=4000, steady_rate=2000, beside_live=500, live_share=1,
    burst=2000, ends=20, idle=10, reaps=1_000_000, containers=10,
)  # fmt: skip
QUICK = Sizes(
    rounds={"quick": 3, "slow": 1, "once": 1},
    starts=8, terms=20, signals=500, gap=0.0002, rt_signals=2000, rt_rate=10_000,
    orphans=3000, steady=1000, steady_rate=2000, beside_live=100, live_share=1,
    burst=500, ends=5, idle=1.5, reaps=10_000, containers=2,
)  # fmt: skip

Values = dict[str, float]


def start(init: Init, sizes: Sizes) -> Values:
    first, true = [], []
    for _ in range(sizes.starts):
        with Pid1(init.command, [compiled("first")]) as it:
            told = int(it.line())
            began, _ = it.ended()
            first.append(told - began)
        with Pid1(init.command, TRUE) as it:
            began, ended = it.ended()
            true.append(ended - began)
    return {"first": statistics.median(first) / 1e6, "true": statistics.median(true) / 1e6}


def lost_term(init: Init, sizes: Sizes) -> Values:
    """TERM at moments that cover a window from the exec on evenly; the share that is lost."""
    window = 1.5 * start(init, sizes)["first"] * 1e6
    moments = [int(window * number / sizes.terms) for number in range(sizes.terms)]
    lost = sum(loses_term(init, moment) for moment in moments)
    return {"lost": window * lost / sizes.terms / 1e6}


def loses_term(init: Init, moment: int) -> bool:
    """Whether a TERM so many nanoseconds after the exec has no effect.

    If main lives, it is asked with WINCH: a TERM that is only late comes first, because of two
    pending signals the one with the lower number is taken.
    """
    with Pid1(init.command, main_of("answers"), term_after=moment) as it:
        if it.record() is None:  # main was killed before it could say that it is there
            return False
        try:
            it.signal(signal.SIGWINCH)
        except ProcessLookupError:
            return False
        answer = it.record()
        return answer is not None and answer[0] == signal.SIGWINCH


@contextmanager
def both_cores_busy() -> Iterator[None]:
    """Keep the first two CPUs busy."""
    burning = [subprocess.Popen([*main_of("burns"), str(cpu)]) for cpu in (0, 1)]
    try:
        yield
    finally:
        for popen in burning:
            popen.kill()
            popen.wait()


def forwarding(command: Sequence[str], sizes: Sizes) -> tuple[list[float], float]:
    """The microseconds of each signal from kill(2) to main, and the init's CPU for each."""
    took = []
    with Pid1(command, main_of("answers")) as it:
        assert it.record(), "main has not started"
        before = it.cpu()
        for _ in range(sizes.signals):
            sent = time.monotonic_ns()
            it.signal(signal.SIGUSR1)
            answer = it.record(within=10)
            assert answer and answer[0] == signal.SIGUSR1, f"after USR1 came {answer}"
            took.append((answer[1] - sent) / 1e3)
            time.sleep(sizes.gap)
        return took, (it.cpu() - before) / 1e3 / sizes.signals


def forward(init: Init, sizes: Sizes) -> Values:
    took, cpu = forwarding(init.command, sizes)
    return spread("idle", took) | {"cpu idle": cpu}


def forward_when_busy(init: Init, sizes: Sizes) -> Values:
    with both_cores_busy():
        took, cpu = forwarding(init.command, sizes)
    return spread("busy", took) | {"cpu busy": cpu}


def spread(word: str, took: list[float]) -> Values:
    return {
        f"p50 {word}": percentile(took, 0.5),
        f"p99 {word}": percentile(took, 0.99),
        f"max {word}": max(took),
    }


def real_time(init: Init, sizes: Sizes) -> Values:
    """Queued signals without a pause between them; each one counts."""
    number, count = signal.SIGRTMIN + 1, sizes.rt_signals
    with Pid1(init.command, main_of("answers")) as it:
        assert it.record(), "main has not started"
        before = it.cpu()
        sender = [*main_of("sends"), str(it.pid), str(int(number)), str(count), str(sizes.rt_rate)]
        with subprocess.Popen(sender):
            came = 0
            while came < count and it.record(within=1):
                came += 1
        return {"rt lost": count - came, "rt cpu": (it.cpu() - before) / 1e3 / count}


def reaping(it: Pid1, order: str, count: int, live: int) -> tuple[float, float]:
    """The microseconds of wall time and of the init's CPU for each orphan that an order makes."""
    before = it.cpu()
    began, _ = it.obey(order)
    done = it.settled(1 + live)
    return (done - began) / 1e3 / count, (it.cpu() - before) / 1e3 / count


def storm(command: Sequence[str], sizes: Sizes) -> tuple[float, float]:
    """Orphans as fast as they come: wall time and CPU for each."""
    with Pid1(command, main_of("obeys")) as it:
        it.answer()
        return reaping(it, f"orphans {sizes.orphans}", sizes.orphans, 0)


def orphans(init: Init, sizes: Sizes) -> Values:
    wall, cpu = storm(init.command, sizes)
    with Pid1(init.command, main_of("obeys")) as it:
        it.answer()
        order = f"orphans {sizes.steady} {sizes.steady_rate}"
        _, steady = reaping(it, order, sizes.steady, 0)
    return {"storm": wall, "storm cpu": cpu, "steady cpu": steady}


def beside_live(init: Init, sizes: Sizes) -> Values:
    """Orphans, one by one and all at once, while the init has many children that live."""
    values = {}
    for named in LIVE:
        live = int(named * sizes.live_share)
        with Pid1(init.command, main_of("obeys")) as it:
            it.answer()
            it.obey(f"live {live}")
            count, burst = sizes.beside_live, sizes.burst
            values[f"steady {named}"] = reaping(it, f"orphans {count} 500", count, live)[1]
            values[f"burst {named}"] = reaping(it, f"burst {burst}", burst, live)[1]
    return values


def idle(init: Init, sizes: Sizes) -> Values:
    with Pid1(init.command, main_of("obeys")) as it:
        it.answer()
        it.cpu()  # waits until it is idle
        before = it.wakeups()
        time.sleep(sizes.idle)
        return {"wake-ups": (it.wakeups() - before) * 10 / sizes.idle, "memory": it.private() / 1e6}


def after_reaps(init: Init, sizes: Sizes) -> Values:
    with Pid1(init.command, main_of("obeys")) as it:
        it.answer()
        it.obey(f"orphans {sizes.reaps}")
        it.settled(1)
        return {"memory after": it.private() / 1e6}


def leaving(init: Init, sizes: Sizes) -> Values:
    took = []
    for _ in range(sizes.ends):
        with Pid1(init.command, main_of("obeys")) as it:
            it.answer()
            it.cpu()  # waits until it is idle
            it.tell("end")
            _, main_ended = it.answer()
            took.append(it.ended()[1] - main_ended)
    return {"leaving": statistics.median(took) / 1e3}


def talkative(init: Init, sizes: Sizes) -> Values:
    """The work of an init that tells everything. One that cannot works as always."""
    values = {}
    for what in ("debug", "trace"):
        values[f"{what} signal"] = forwarding(init.saying(what), sizes)[1]
        values[f"{what} orphan"] = storm(init.saying(what), sizes)[1]
    return values


def containers(init: Init, sizes: Sizes, image: str) -> Values:
    """`docker run --rm` with the init bound into the container, if it is one file."""
    program, *rest = init.command
    found = shutil.which(program)
    if not found or program.startswith("/usr/bin/python"):
        return {}
    bind = ["--volume", f"{found}:/init:ro", "--entrypoint", "/init"]
    took = []
    for _ in range(sizes.containers):
        began = time.monotonic()
        command = ["docker", "run", "--rm", *bind, image, *rest, "true"]
        subprocess.run(command, check=True, capture_output=True)
        took.append((time.monotonic() - began) * 1e3)
    return {"docker": statistics.median(took)}


def no_engine(image: str) -> str:
    """Why `docker run` cannot be measured; empty if it can."""
    if not shutil.which("docker"):
        return "there is no `docker`"
    asked = ["docker", "image", "inspect", image]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    reason = (told.stderr.strip().splitlines() or ["no answer"])[-1]
    return "" if told.returncode == 0 else reason.rstrip(".?")


@dataclass(frozen=True)
class Measure:
    """One kind of measurement: how many rounds it has (a pace of Sizes), and its rows."""

    title: str
    function: Callable[[Init, Sizes], Values]
    pace: str
    rows: Sequence[Row]


MEASURES = (
    Measure("start", start, "quick", (
        Row("first", "exec of the init to main's first instruction", "ms"),
        Row("true", "exec of the init to its end, main is `true`", "ms"),
    )),
    Measure("lost TERM", lost_term, "slow", (
        Row("lost", "window in which a TERM is lost", "ms"),
    )),
    Measure("forwarding", forward, "quick", (
        Row("p50 idle", "forwarding, median", "µs"),
        Row("p99 idle", "forwarding, 99 of 100", "µs"),
        Row("max idle", "forwarding, slowest", "µs"),
        Row("cpu idle", "CPU for a signal", "µs"),
    )),
    Measure("forwarding with busy cores", forward_when_busy, "quick", (
        Row("p50 busy", "forwarding with both cores busy, median", "µs"),
        Row("p99 busy", "forwarding with both cores busy, 99 of 100", "µs"),
        Row("max busy", "forwarding with both cores busy, slowest", "µs"),
        Row("cpu busy", "CPU for a signal with both cores busy", "µs"),
    )),
    Measure("real-time signals", real_time, "quick", (
        Row("rt lost", "real-time signals lost, at 10,000 a second", ""),
        Row("rt cpu", "CPU for one of them", "µs"),
    )),
    Measure("orphans", orphans, "quick", (
        Row("storm", "orphans as fast as they come, time for each", "µs"),
        Row("storm cpu", "orphans as fast as they come, CPU for each", "µs"),
        Row("steady cpu", "orphans at 2,000 a second, CPU for each", "µs"),
    )),
    Measure("orphans beside live children", beside_live, "slow", tuple(
        row for live in LIVE for row in (
            Row(f"steady {live}", f"orphans beside {live:,} live children, CPU for each", "µs"),
            Row(f"burst {live}", f"burst of orphans beside {live:,}, CPU for each", "µs"),
        )
    )),
    Measure("idle", idle, "slow", (
        Row("wake-ups", "wake-ups in 10 s, idle", ""),
        Row("memory", "private dirty memory, idle", "MB"),
    )),
    Measure("memory after reaping", after_reaps, "once", (
        Row("memory after", "private dirty memory after many orphans", "MB"),
    )),
    Measure("leaving", leaving, "quick", (
        Row("leaving", "end of main to end of the init", "µs"),
    )),
    Measure("log and trace", talkative, "slow", (
        Row("debug signal", "log at debug: CPU for a signal", "µs"),
        Row("debug orphan", "log at debug: CPU for an orphan", "µs"),
        Row("trace signal", "trace on: CPU for a signal", "µs"),
        Row("trace orphan", "trace on: CPU for an orphan", "µs"),
    )),
)  # fmt: skip
CONTAINERS = Row("docker", "`docker run --rm IMAGE true`", "ms")
