"""The log and the trace on FIFOs whose readers come and go, with a clock that the test moves."""

import errno
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reaper.init import journal, jsonlines

LINE = b"a line\n"


class Clock:
    now = 1000.0
    step = 0.0  # how far each reading moves the clock on

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Fifo:
    """A FIFO with a reader that comes and goes, and sinks that write to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reader = -1
        self.others: list[int] = []
        self.sinks: list[journal.Sink] = []
        os.mkfifo(path)

    def come(self) -> None:
        self.reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    def go(self) -> None:
        os.close(self.reader)
        self.reader = -1

    def lines(self) -> list[str]:
        """The lines that the reader can read now; none if there is no writer either."""
        with suppress(BlockingIOError):
            return os.read(self.reader, 1 << 16).decode().splitlines()
        return []

    def sink(self, way: str, clock: Clock) -> journal.Sink:
        """A sink on this FIFO, by its path or on a given descriptor whose reader has left."""
        target = str(self.path)
        if way == "given":
            had_reader = self.reader >= 0
            if not had_reader:
                self.come()
            self.others.append(os.open(self.path, os.O_WRONLY))
            target = f"fd:{self.others[0]}"
            if not had_reader:
                self.go()
        self.sinks.append(journal.Sink(target, clock))
        return self.sinks[-1]


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    used = Fifo(tmp_path / "fifo")
    yield used
    for descriptor in {used.reader, *used.others, *(sink.fd for sink in used.sinks)} - {-1}:
        os.close(descriptor)


ways = pytest.mark.parametrize("way", ["path", "given"])


@ways
def test_a_reader_that_comes_late_is_served(way: str, fifo: Fifo, clock: Clock) -> None:
    sink = fifo.sink(way, clock)
    assert not sink.write(LINE)
    fifo.come()
    clock.now += 1
    assert sink.write(LINE)
    assert (fifo.lines(), sink.lost, sink.reason) == (["a line"], 1, errno.ENXIO)


@ways
def test_a_reader_that_comes_back_is_served(way: str, fifo: Fifo, clock: Clock) -> None:
    fifo.come()
    sink = fifo.sink(way, clock)
    for turn in range(3):
        assert sink.write(LINE)
        assert fifo.lines() == ["a line"]
        fifo.go()
        assert not sink.write(LINE)
        assert (sink.lost, sink.reason) == (turn + 1, errno.EPIPE)
        fifo.come()
        clock.now += 1


@ways
def test_a_reader_is_looked_for_once_a_second(way: str, fifo: Fifo, clock: Clock) -> None:
    sink = fifo.sink(way, clock)
    for later, written in ((0.4, False), (0.5, False), (0.2, False), (0.9, False), (0.2, True)):
        clock.now += later
        if later == 0.9:
            fifo.come()  # between two looks
        assert sink.write(LINE) == written


def test_a_pipe_that_cannot_be_opened_anew_gets_its_reader_back(
    fifo: Fifo, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It belongs to another user, or there is no /proc."""

    def refused(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as without:
        without.setattr(journal.posix, "open", refused)
        sink = fifo.sink("given", clock)
        assert sink.fd == fifo.others[0] and not sink.write(LINE)
        fifo.come()
        clock.now += 1
        assert sink.write(LINE) and fifo.lines() == ["a line"]


def test_a_socket_stays_dead(clock: Clock) -> None:
    left, right = socket.socketpair()
    with left:
        sink = journal.Sink(f"fd:{left.fileno()}", clock)
        right.close()
        for _ in range(3):
            assert not sink.write(LINE)
            clock.now += 10
    assert (sink.lost, sink.reason) == (3, errno.EPIPE)


def test_the_fifo_that_is_at_the_path_now_is_opened(fifo: Fifo, clock: Clock) -> None:
    fifo.come()
    sink = fifo.sink("path", clock)
    fifo.go()
    assert not sink.write(LINE)
    fifo.path.unlink()
    os.mkfifo(fifo.path)
    fifo.come()
    clock.now += 1
    assert sink.write(LINE) and fifo.lines() == ["a line"]


def test_nothing_is_made_in_the_place_of_a_fifo(fifo: Fifo, clock: Clock) -> None:
    sink = fifo.sink("path", clock)
    fifo.path.unlink()
    clock.now += 1
    assert not sink.write(LINE) and sink.reason == errno.ENOENT
    assert not fifo.path.exists()


def test_no_other_kind_of_file_is_taken_for_the_fifo(fifo: Fifo, clock: Clock) -> None:
    """Otherwise a process that may write to the folder, main too, could make the init write to any
    file.
    """
    sink = fifo.sink("path", clock)
    fifo.path.unlink()
    elsewhere = fifo.path.with_name("elsewhere")
    elsewhere.touch()
    fifo.path.symlink_to(elsewhere)
    before = len([*Path("/proc/self/fd").iterdir()])
    clock.now += 1
    assert not sink.write(LINE) and elsewhere.read_bytes() == b""
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_relative_path_is_right_in_another_folder(
    fifo: Fifo, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fifo.path.parent)
    sink = journal.Sink(fifo.path.name, clock)
    fifo.sinks.append(sink)
    monkeypatch.chdir("/")
    fifo.come()
    clock.now += 1
    assert sink.write(LINE) and fifo.lines() == ["a line"]


def test_a_missing_path_becomes_a_file(tmp_path: Path) -> None:
    sink = journal.Sink(str(tmp_path / "log"))
    assert sink.write(LINE)
    os.close(sink.fd)
    assert (tmp_path / "log").read_bytes() == LINE


def test_half_a_line_is_finished_for_nobody_else(
    fifo: Fifo, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe takes our lines whole, so the test cuts a write in half itself."""
    fifo.come()
    sink = fifo.sink("path", clock)
    write = sink._put
    monkeypatch.setattr(sink, "_put", lambda fd, data: write(fd, data[:2]))
    assert sink.write(b"torn\n")
    monkeypatch.setattr(sink, "_put", write)
    assert os.read(fifo.reader, 100) == b"to"
    fifo.go()
    assert not sink.write(b"lost\n")
    assert sink.lost == 2  # the first line, too: nobody got all of it
    fifo.come()
    clock.now += 1
    assert sink.write(b"whole\n") and fifo.lines() == ["whole"]


def told_losses(lines: list[str]) -> int:
    """How many lines were lost, as the first of these lines of log, JSON log or trace says."""
    if not lines[0].startswith("{"):
        return int(lines[0].partition("warning: ")[2].partition(" log lines lost (")[0])
    line = json.loads(lines[0])
    assert line["event"] == "drop"
    return int(line.get("lines") or line["message"].partition(" log lines lost (")[0])


def told_by(kind: str, sink: journal.Sink) -> Callable[[], None]:
    """A function that writes one line to a sink, by the log, the JSON log or the trace."""
    if kind == "trace":
        return lambda: jsonlines.Trace(sink).emit("continue", 1, role="main")
    log = (journal.Log if kind == "log" else jsonlines.JsonLog)(sink, journal.INFO)
    return lambda: log.info("continue", "main goes on")


@ways
@pytest.mark.parametrize("kind", ["log", "json", "trace"])
def test_the_first_line_says_how_many_were_lost(
    kind: str, way: str, fifo: Fifo, clock: Clock
) -> None:
    sink = fifo.sink(way, clock)
    say = told_by(kind, sink)
    for turn, lines in enumerate((1, 5)):
        for _ in range(lines):
            say()
            clock.now += 0.6  # so some of the lines look for a reader, in vain
        assert sink.lost == lines
        fifo.come()
        clock.now += 1
        say()
        say()
        got = fifo.lines()
        assert (len(got), told_losses(got), sink.lost) == (3, lines, 0), turn
        fifo.go()


@pytest.mark.parametrize("kind", ["log", "trace"])
def test_no_line_comes_before_the_loss(kind: str, fifo: Fifo, clock: Clock) -> None:
    """This holds even if it is time to look for a reader after the report of the loss was lost,
    and before the line itself.
    """
    sink = fifo.sink("path", clock)
    say = told_by(kind, sink)
    say()
    fifo.come()
    clock.step = 0.3
    got: list[str] = []
    said = 1
    while not got:
        say()
        said += 1
        got = fifo.lines()
    assert told_losses(got) + len(got) - 1 == said


def test_a_loss_is_told_without_a_further_line(fifo: Fifo, clock: Clock) -> None:
    """At the end of the init no further line may come."""
    log = journal.Log(fifo.sink("path", clock), journal.WARNING)
    log.tell_loss()
    log.warning("reap", "an orphan")
    fifo.come()
    assert fifo.lines() == []
    clock.now += 1
    log.tell_loss()
    assert told_losses(fifo.lines()) == 1
    log.tell_loss()
    assert fifo.lines() == []
