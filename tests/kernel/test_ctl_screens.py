"""The screens in docs/reaperctl-live.md: their shape is that of what reaperctl prints."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from support import REPO, as_pid1, children, comm, eventually, reaper, running

CTL = [sys.executable, "-m", "reaper.inspector"]
PAGE = (REPO / "docs" / "reaperctl-live.md").read_text()
# What differs from run to run: how many processes are in each state, and whose memory limit it is.
VARIES = re.compile(r"(N [a-z ]+(?=[,;]),? ?)+; N|the (machine|control group)")
STUBBORN = "trap '' TERM; setsid sh -c 'sleep 60 & echo ready; wait; true' & wait"


def documented(command: str) -> tuple[list[str], list[str]]:
    """(the command's words, its lines) of a screen: indented by four, it begins `$ reaperctl`."""
    head, *lines = re.findall(rf"(?m)^    \$ reaperctl ({command} .*)\n((?:    .*\n)*)", PAGE)[0]
    return shlex.split(head), [line[4:] for line in lines[0].splitlines()]


def shape(lines: list[str]) -> list[str]:
    """The lines with N for each number and one blank between columns."""
    found = (re.sub(r"\d+(\.\d+)?[KMG]?", "N", line) for line in lines)
    return [re.sub(r" +", " ", line).strip() for line in found]


def printed(words: list[str]) -> list[str]:
    done = subprocess.run(
        [*CTL, *words], cwd=REPO, capture_output=True, text=True, check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert not done.stderr
    return done.stdout.splitlines()


def test_kill() -> None:
    words, expected = documented("kill")
    with running(as_pid1(reaper("--", "sh", "-c", STUBBORN))) as started:
        started.wait_line("ready")
        shell = next(pid for pid in children(started.main_pid))
        eventually(lambda: comm(children(shell)[0]) == "sleep")
        words[words.index("--session") + 1] = str(shell)
        assert shape(printed(words)) == shape(expected)


def test_top(tmp_path: Path) -> None:
    words, expected = documented("top")
    trace = tmp_path / "trace"
    trace.write_text('{"event":"adopt"}\n{"event":"reap","role":"orphan"}\n')
    words[words.index("--trace") + 1] = str(trace)
    found = [text for text in printed([*words, "--once", "--interval", "0.1"]) if text]
    found.insert(4, expected[4])  # the line of keys is there on a terminal alone

    def head(lines: list[str]) -> str:
        return VARIES.sub("*", "\n".join(shape(lines)[:6]))

    assert head(found) == head(expected)
