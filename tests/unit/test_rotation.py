"""Log and trace in a file that is rotated, with a clock that the test moves."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reaper.init import journal, jsonlines


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class File:
    """A file that a sink writes to, and its clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.old = path.with_name("old")
        self.clock = Clock()
        self.sink = journal.Sink(str(path), self.clock)
        self.fds = {self.sink.fd}

    def write(self, text: str, later: float = 0.0) -> bool:
        self.clock.now += later
        return self.sink.write(f"{text}\n".encode())

    def lines(self) -> tuple[str, str]:
        """The lines in the old file, and those in the file that is at the path now."""
        found = [p.read_text() if p.is_file() else "-" for p in (self.old, self.path)]
        return found[0].replace("\n", " "), found[1].replace("\n", " ")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    used = File(tmp_path / "file")
    used.write("a")
    yield used
    os.close(used.sink.fd)


def created(file: File) -> None:
    file.path.write_text("")


@pytest.mark.parametrize("make", [lambda _: None, created], ids=["nothing", "an empty file"])
def test_after_a_rename_it_goes_on_in_what_is_there(
    make: Callable[[File], None], file: File
) -> None:
    file.path.rename(file.old)
    make(file)
    assert file.write("b", 0.9) and file.lines()[0] == "a b "
    assert file.write("c", 0.2) and file.write("d") and file.lines() == ("a b ", "c d ")
    assert (file.path.stat().st_mode & 0o777, file.sink.lost) == (0o644, 0)


def test_again_and_again_without_a_descriptor_more(file: File) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for turn in range(5):
        file.path.rename(file.old)
        assert file.write(str(turn), 1) and file.lines()[1] == f"{turn} "
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_file_that_was_removed_is_made_again(file: File) -> None:
    file.path.unlink()
    assert file.write("b", 1) and file.lines()[1] == "b "


def test_a_file_that_was_cut_goes_on_at_its_beginning(file: File) -> None:
    """logrotate's copytruncate."""
    os.truncate(file.path, 0)
    assert file.write("b") and file.lines()[1] == "b "


def test_the_path_is_looked_at_once_a_second(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    lstat = os.lstat

    def counted(path: str) -> os.stat_result:
        looks.append(path)
        return lstat(path)

    monkeypatch.setattr(journal.posix, "lstat", counted)
    for _ in range(35):
        file.write("a", 0.1)
    assert looks == [str(file.path)] * 3


def test_a_relative_path_is_right_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = File(Path("file"))
    monkeypatch.chdir("/")
    (tmp_path / "file").unlink()
    assert file.write("b", 1) and (tmp_path / "file").read_text() == "b\n"
    os.close(file.sink.fd)


def test_behind_a_symbolic_link_the_file_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    file = File(tmp_path / "link")
    (tmp_path / "file").rename(tmp_path / "old")
    assert file.write("b", 1)
    assert (tmp_path / "file").read_text() == "b\n" and (tmp_path / "link").is_symlink()
    os.close(file.sink.fd)


def linked(file: File) -> None:
    os.link(victim(file), file.path)


def pointed(file: File) -> None:
    file.path.symlink_to(victim(file))


def dangling(file: File) -> None:
    file.path.symlink_to(file.path.with_name("nothing"))


def of_another(file: File) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    file.path.write_text("")
    os.chown(file.path, 54321, -1)


def victim(file: File) -> Path:
    path = file.path.with_name("victim")
    path.write_text("precious\n")
    return path


NO_FILES: dict[str, Callable[[File], None]] = {
    "a symbolic link": pointed,
    "a link to nothing": dangling,
    "another file's second name": linked,
    "a FIFO": lambda file: os.mkfifo(file.path),
    "a folder": lambda file: file.path.mkdir(),
    "another user's": of_another,
}


@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_who_replaces_it_chooses_no_file_for_us(make: Callable[[File], None], file: File) -> None:
    """Main may be able to replace the file."""
    file.path.rename(file.old)
    make(file)
    assert file.write("b", 1)
    assert file.lines()[0] == "a b "
    there = {path.name: path for path in file.path.parent.iterdir()}
    assert "nothing" not in there
    assert "victim" not in there or there["victim"].read_text() == "precious\n"


def test_where_nothing_can_be_opened_it_stays_and_tries_again(file: File) -> None:
    folder = file.path.parent
    moved = folder.rename(folder.with_name("moved"))
    assert file.write("b", 1) and (moved / "file").read_text() == "a\nb\n"
    folder.mkdir()
    assert file.write("c", 1) and file.path.read_text() == "c\n"
    assert file.sink.lost == 0


def test_a_line_is_not_finished_in_another_file(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full after half of the line; the next line says that one was lost."""
    put = os.write
    monkeypatch.setattr(file.sink, "_put", lambda fd, data: put(fd, data[:3]))
    trace = jsonlines.Trace(file.sink)
    trace.emit("continue", 1, role="main")
    monkeypatch.setattr(file.sink, "_put", put)
    file.path.rename(file.old)
    file.clock.now += 1
    trace.emit("continue", 2, role="main")
    trace.emit("continue", 3, role="main")
    assert file.old.read_text() == 'a\n{"t'
    told = [json.loads(line) for line in file.path.read_text().splitlines()]
    assert [(line["event"], line.get("lines")) for line in told] == [
        ("continue", None),
        ("drop", 1),
        ("continue", None),
    ]


@pytest.mark.parametrize("target", ["fd", "/dev/fd", "/proc/self/fd"])
def test_a_descriptor_stays_what_it_is(target: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    clock = Clock()
    sink = journal.Sink(f"fd:{fd}" if target == "fd" else f"{target}/{fd}", clock)
    path.rename(tmp_path / "old")
    clock.now += 5
    assert sink.write(b"a\n") and not path.exists()
    for descriptor in {fd, sink.fd}:
        os.close(descriptor)
