"""reaperctl says what ps aux, top, pidstat, smem, pgrep and pkill say in the same PID namespace."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from ctl import Around, at_rest, reaperctl, root, rows
from support import (
    Running,
    as_pid1,
    children,
    descendants,
    entering,
    eventually,
    reaper,
    running,
    victim,
    wchan,
)

KB = 1024
# The versions of procps differ in these points: Debian 12 has 4.0.2, 13 has 4.0.4, 14 has 4.0.7.
PROCPS = tuple(map(int, re.findall(r"\d+", subprocess.check_output(["top", "-V"], text=True))[:3]))
APART = PROCPS < (4, 0, 7)  # ps draws PID 1 beside the trees of its children
NEWLINE = "." if PROCPS < (4, 0, 7) else "?"  # how pgrep shows a line break in a name


@contextmanager
def namespace(*command: str) -> Iterator[Running]:
    """A command below an init in a PID namespace of its own, all of it at rest."""
    with running(as_pid1(reaper("--", *command))) as started:
        started.wait_line("ready")
        at_rest(started.pid)
        yield started


@pytest.fixture(scope="module")
def animals() -> Iterator[Running]:
    with namespace(*victim("menagerie")) as started:
        yield started


@pytest.fixture(scope="module")
def burnt() -> Iterator[Running]:
    """A process with two threads that have used CPU and now rest."""
    with namespace(*victim("burns", "0.3")) as started:
        yield started


@pytest.fixture(scope="module")
def sharers() -> Iterator[Running]:
    """Four processes, three of which share 100 MB."""
    with namespace(*victim("shares_pages", "2", "100")) as started:
        yield started


def inside(where: Running, *command: str) -> str:
    """What a program prints in the namespace. pgrep ends with 1 if it finds no process."""
    enter = [*entering(where.pid), "env", "LC_ALL=C", *command]
    done = subprocess.run(enter, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return done.stdout


def ours(where: Running, columns: str, *words: str) -> list[dict[str, Any]]:
    return rows(*(words or ("ps",)), "--root", root(where.pid), "-o", columns)


def test_the_forest_of_ps_auxf(animals: Running) -> None:
    """Every column except %CPU (see below), and the depth of each process."""
    columns = "user,pid,pmem,vss,rss,tty,stat,started,cpu,depth"
    found = {row["pid"]: row for row in ours(animals, columns, "tree")}
    out = inside(animals, "ps", "auxfww")
    lines = re.findall(r"(?m)^" + 10 * r"(\S+) +" + r"?(.*)$", out.partition("\n")[2])
    theirs = [words for words in lines if "ps auxfww" not in words[10]]
    assert [int(words[1]) for words in theirs] == list(found)
    for user, pid, _, pmem, vsz, rss, tty, stat, start, cpu, command in theirs:
        row = found[int(pid)]
        branch = re.match(r"[ |]*\\_ ", command)
        depth = (len(branch[0]) // 4 if branch else 0) + (pid != "1" and APART)
        assert (row["user"], row["depth"]) == (user, depth)
        assert float(pmem) == pytest.approx(row["pmem"] or 0, abs=0.11)
        assert int(vsz) == (row["vss"] or 0) // KB
        assert int(rss) == pytest.approx((row["rss"] or 0) / KB, rel=0.1)
        assert (row["tty"] or "?", row["stat"]) == (tty, stat)
        clock = {time.strftime("%H:%M", time.localtime(row["started"] + near)) for near in (-2, 2)}
        assert start in clock
        assert cpu == f"{row['cpu'] // 60:.0f}:{int(row['cpu'] % 60):02}"


def test_the_cpu_time_and_start_of_ps(burnt: Running) -> None:
    (before,) = ours(burnt, "age", "ps", "2")
    fields = "pid,pcpu,cputimes,etimes,pri,nlwp,lstart"
    (line,) = inside(burnt, "ps", "--no-headers", "-o", fields, "-p", "2").splitlines()
    _, pcpu, cpu, elapsed, pri, threads, *start = line.split()
    (row,) = ours(burnt, "pcpu,cpu,age,priority,threads,started", "ps", "2")
    assert int(cpu) == int(row["cpu"]) and row["cpu"] >= 0.6
    assert before["age"] - 1 <= int(elapsed) <= row["age"] + 1
    assert row["pcpu"] == pytest.approx(100 * row["cpu"] / row["age"])
    # The percentage falls with the age, and ps looked first. ps cuts it to tenths, from 100 on to
    # whole numbers.
    assert row["pcpu"] - (0.1 if float(pcpu) < 100 else 1) <= float(pcpu)
    assert float(pcpu) <= 100 * row["cpu"] / before["age"] + 0.1
    assert (39 - int(pri), int(threads)) == (row["priority"], row["threads"])
    started = time.mktime(time.strptime(" ".join(start)))
    assert row["started"] == pytest.approx(started, abs=2)


def test_the_memory_share_of_ps(sharers: Running) -> None:
    out = inside(sharers, "ps", "--no-headers", "-o", "pid,pmem", "-p", "2")
    (row,) = ours(sharers, "pid,pmem,rss", "ps", "2")
    assert row["pmem"] == pytest.approx(100 * row["rss"] / psutil.virtual_memory().total)
    assert float(out.split()[1]) == pytest.approx(row["pmem"], abs=0.11)


def test_the_threads_of_top(burnt: Running) -> None:
    columns = "pid,tid,user,priority,nice,vss,rss,shr,state,pmem,cpu,comm"
    found = {row["tid"]: row for row in ours(burnt, columns, "ps", "--threads")}
    out = inside(burnt, "top", "-H", "-b", "-n", "1", "-w", "200")
    lines = [line.split(None, 11) for line in out.partition(" PID ")[2].splitlines()[1:]]
    theirs = {int(words[0]): words[1:] for words in filter(None, lines) if words[11] != "top"}
    assert theirs.keys() == found.keys()
    assert [row["pid"] for row in found.values()] == [1, 2, 2, 2]
    (whole,) = ours(burnt, "cpu", "ps", "2")
    if PROCPS < (4, 0, 4):  # Debian 12's top counts the whole process for its first thread
        found[2]["cpu"] = whole["cpu"]
    for tid, (user, pr, ni, virt, res, shr, letter, _, mem, cpu, comm) in theirs.items():
        row = found[tid]
        assert (user, letter, comm) == (row["user"], row["state"], row["comm"])
        assert (int(pr), int(ni)) == (row["priority"], row["nice"])
        assert int(virt) == row["vss"] // KB
        assert int(res) == pytest.approx(row["rss"] / KB, rel=0.1)
        assert int(shr) == pytest.approx(row["shr"] / KB, rel=0.1)
        assert float(mem) == pytest.approx(row["pmem"], abs=0.11)
        minutes, _, seconds = cpu.partition(":")
        assert 60 * int(minutes) + float(seconds) == pytest.approx(row["cpu"], abs=0.011)


def test_top_itself_has_the_same_threads(burnt: Running) -> None:
    words = ("top", "--threads", "--interval", "0.1", "--name", "^in ", "--sort", "tid")
    found = ours(burnt, "pid,tid,percent,usr,sys,comm", *words)
    assert [(row["pid"], row["comm"]) for row in found] == [(2, "in user"), (2, "in kernel")]
    assert max(row["percent"] for row in found) <= 10  # one tick of the clock


def test_top_takes_the_filters_of_ps(animals: Running) -> None:
    words = ("top", "--interval", "0.1", "--parent", "2", "--user", "34")
    assert [row["comm"] for row in ours(animals, "comm", *words)] == ["other user"]


def pidstat(where: Running, *words: str) -> dict[int, list[str]]:
    """The last report of pidstat without an interval, by pid or tid."""
    out = inside(where, "pidstat", *words).strip().splitlines()
    lines = [line.split() for line in out if re.match(r"\d\d:", line)]
    last = max(i for i, words in enumerate(lines) if "UID" in words)
    lines = [[word for word in words if word != "-"] for words in lines[last + 1 :]]
    return {int(words[2]): words[3:] for words in lines if "pidstat" not in words}


def test_the_user_and_kernel_time_of_pidstat(burnt: Running) -> None:
    """For each thread, in milliseconds."""
    theirs = pidstat(burnt, "-t", "-T", "CHILD", "-p", "2")
    found = ours(burnt, "tid,user_cpu,system_cpu", "ps", "2", "--threads")
    times = {row["tid"]: [1000 * row["user_cpu"], 1000 * row["system_cpu"]] for row in found}
    del theirs[2]  # the main thread's line, which has replaced the process's line in `theirs`
    assert {tid: [float(ms) for ms in words[:2]] for tid, words in theirs.items()} == {
        tid: pytest.approx(pair) for tid, pair in times.items() if tid != 2
    }
    (whole,) = ours(burnt, "user_cpu,system_cpu", "ps", "2")
    assert pidstat(burnt, "-T", "CHILD", "-p", "2")[2][:2] == [
        f"{1000 * whole[key]:.0f}" for key in ("user_cpu", "system_cpu")
    ]
    user, kernel = sorted(times)[1:]
    assert times[user][0] > 250 and times[kernel][1] > 200


def test_the_faults_of_pidstat(burnt: Running) -> None:
    (row,) = ours(burnt, "minflt,majflt", "ps", "2")
    assert pidstat(burnt, "-r", "-T", "CHILD", "-p", "2")[2][:2] == [
        str(row["minflt"]), str(row["majflt"]),
    ]  # fmt: skip
    assert row["minflt"] > 100


def test_switches_disk_and_waiting_as_psutil_and_the_kernel_say(burnt: Running) -> None:
    (row,) = ours(burnt, "hostpid,cswch,nvcswch,read,written,processor", "ps", "2")
    other = psutil.Process(row["hostpid"])
    assert (row["cswch"], row["nvcswch"]) == tuple(other.num_ctx_switches())
    assert row["cswch"] > 0
    assert (row["read"], row["written"]) == other.io_counters()[2:4]
    assert row["processor"] == other.cpu_num()
    waits = [thread["wait"] for thread in ours(burnt, "wait", "ps", "2", "--threads")]
    files = (Path(f"/proc/{thread.id}/schedstat") for thread in other.threads())
    assert waits == [int(file.read_text().split()[1]) / 1e9 for file in files]
    assert max(waits) > 0


def between_looks(tool: "subprocess.Popen[str]") -> bool:
    """Whether the tool, or what nsenter started for it, waits for the end of its interval."""
    where = wchan([tool.pid, *descendants(tool.pid)][-1])
    return "nanosleep" in where or "pause" in where


# Our column -> pidstat's column, and the size of pidstat's unit in ours.
RATES = {
    "usr": ("%usr", 1), "sys": ("%system", 1), "waiting": ("%wait", 1), "percent": ("%CPU", 1),
    "minflt/s": ("minflt/s", 1), "majflt/s": ("majflt/s", 1),
    "vss": ("VSZ", KB), "rss": ("RSS", KB), "pmem": ("%MEM", 1),
    "cswch/s": ("cswch/s", 1), "nvcswch/s": ("nvcswch/s", 1),
}  # fmt: skip


def rates(interval: int) -> tuple[str, str] | None:
    """What pidstat and top say of two threads that burn for 0.2 s each, while both tools wait for
    the end of their interval; None if the threads burnt beyond that end."""
    with namespace(*victim("burns", "0.2")) as burning, ExitStack() as stack:
        enter = f"{shlex.join(entering(burning.pid))} env LC_ALL=C"
        top = f"{sys.executable} -m reaper.inspector top --threads --root {root(burning.pid)}"
        tools = [
            stack.enter_context(subprocess.Popen(words.split(), stdout=subprocess.PIPE, text=True))
            for words in (
                f"{enter} pidstat -h -t -u -r -w -p 2 {interval} 1",
                f"{top} --interval {interval} --sort -percent -o comm,{','.join(RATES)} --json",
            )
        ]
        eventually(lambda: all(map(between_looks, tools)), "the first look of both")
        burning.type_line("again")
        burning.wait_line("ready")
        at_rest(burning.pid)
        in_time = all(map(between_looks, tools))
        theirs, mine = (tool.communicate()[0] for tool in tools)
        return (theirs, mine) if in_time else None


def test_the_rates_of_pidstat() -> None:
    """The rates of each thread: both tools look before it burns and again when it rests."""
    intervals = (4, 8, 16)  # seconds; a busy machine needs a longer one
    found = ((interval, rates(interval)) for interval in intervals)
    interval, told = next((each for each in found if each[1]), (0, None))
    assert told, "it burnt for longer than the longest interval"
    theirs, mine = told
    _, _, header, *lines = theirs.splitlines()
    names = header.removeprefix("#").split()[:-1]  # the last column, the command, may have spaces
    threads = {line.partition("|__")[2]: line.split() for line in lines}
    tick = 100 / os.sysconf("SC_CLK_TCK") / interval
    busiest = {row.pop("comm"): row for row in json.loads(mine)["rows"][:2]}
    for comm, row in busiest.items():
        other = dict(zip(names, threads[comm], strict=False))
        seen = [float(other[name]) * unit for name, unit in RATES.values()]
        assert [*row.values()] == pytest.approx(seen, rel=0.05, abs=tick)
        assert row["percent"] == pytest.approx(row["usr"] + row["sys"])
    user, kernel = busiest["in user"], busiest["in kernel"]
    assert user["usr"] > 10 / interval and kernel["sys"] > 10 / interval
    assert kernel["minflt/s"] > 4000 / interval
    assert min(row["cswch/s"] + row["nvcswch/s"] for row in busiest.values()) > 4 / interval


def by_pid(told: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {row["pid"]: row for row in told}


def test_the_memory_of_smem(sharers: Running) -> None:
    """Each process, the sums of each user, and the sum of all."""
    found = by_pid(ours(sharers, "pid,user,swap,uss,pss,rss", "mem"))
    out = inside(sharers, "smem", "-H", "-c", "pid user swap uss pss rss")
    (sums,) = ours(sharers, "user,count,pss,rss", "mem", "--by-user")
    later = by_pid(ours(sharers, "pid,uss,pss,rss", "mem"))
    theirs = {int(line.split()[0]): line.split()[1:] for line in out.splitlines()}
    assert found.keys() <= theirs.keys() and len(found) == 4
    for pid, row in found.items():
        user, swap, *sizes = theirs[pid]
        assert (user, int(swap)) == (row["user"], row["swap"] // KB)
        # smem itself shares pages with these processes while it looks.
        for key, seen in zip(("uss", "pss", "rss"), map(int, sizes), strict=True):
            around = Around(row[key], later[pid][key])
            assert around.agrees(KB * seen, rel=0.1, abs=600 * KB), (key, around, seen)
    assert (sums["user"], sums["count"]) == ("root", 4)
    whole = Around(*(sum(row["pss"] for row in told.values()) for told in (found, later)))
    assert whole.agrees(sums["pss"], rel=0.01)
    assert sums["rss"] > 2 * sums["pss"]


@pytest.mark.parametrize(
    ("their", "our"),
    [
        ("-f .", "--full ."),
        ("-x nice|threads", "--name ^(nice|threads)$"),
        ("-i NICE", "--name (?i)NICE"),
        ("-v -x nice", "--name ^nice$ --invert"),
        ("-f menagerie", "--full menagerie"),
        ("-n -f menagerie", "--newest --full menagerie"),
        ("-o -f menagerie", "--oldest --full menagerie"),
        ("-P 2", "--parent 2"),
        ("-P 2 -u 34", "--parent 2 --user 34"),
        ("-u backup", "--user backup"),
        ("-U 12", "--real-user 12"),
        ("-G man", "--real-group man"),
        ("-r T,Z", "--state T,Z"),
        ("-g 2", "--group 2"),
        ("-s {leader}", "--session {leader}"),
        ("-t {tty}", "--tty {tty}"),
        ("-O 0 -x nice", "--older 0 --name ^nice$"),
        ("-O 9999 -x nice", "--older 9999 --name ^nice$"),
    ],
)
def test_the_filters_of_pgrep(animals: Running, their: str, our: str) -> None:
    found = ours(animals, "pid,tty,comm")
    given = {
        "leader": next(row["pid"] for row in found if row["comm"] == "leader of (all)"),
        "tty": next(row["tty"] for row in found if row["tty"]),
    }
    seen = inside(animals, "pgrep", "-l", *their.format(**given).split())
    words = ("ps", "--root", root(animals.pid), *our.format(**given).split())
    assert reaperctl(*words, "--pids")[1].split() == re.findall(r"^\d+", seen, re.MULTILINE)
    names = [row["comm"].replace("\n", NEWLINE) for row in rows(*words, "-o", "comm")]
    assert names == [line.partition(" ")[2] for line in seen.splitlines()]
    assert seen or "9999" in their


def test_kill_hits_whom_pkill_would_hit() -> None:
    def left(where: Running) -> list[str]:
        return sorted(row["comm"] for row in ours(where, "comm", "ps", "--invert", "-s", "Z"))

    with namespace(*victim("menagerie")) as theirs, namespace(*victim("menagerie")) as mine:
        before = left(mine)
        inside(theirs, "pkill", "-x", "nice|threads|locked")
        code, _, err = reaperctl(
            "kill", "--root", root(mine.pid), "--name", "^(nice|threads|locked)$"
        )
        assert (code, err) == (0, "")
        eventually(lambda: left(theirs) == left(mine), "the same to be left")
        assert len(left(mine)) == len(before) - 3
        assert len(children(mine.main_pid)) == len(children(theirs.main_pid))
