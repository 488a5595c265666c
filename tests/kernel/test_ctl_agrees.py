"""reaperctl says what ps, pgrep, pstree and psutil say of the same living processes."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from ctl import Around, at_rest, reaperctl, rows
from support import Running, descendants, running, victim

COLUMNS = "pid,ppid,pgid,sid,tty,uid,euid,gid,egid,stat,nice,threads,comm"


@pytest.fixture(scope="module")
def animals() -> Iterator[Running]:
    with running(victim("menagerie")) as started:
        started.wait_line("ready")
        at_rest(started.pid)
        yield started


def pids(animals: Running) -> list[int]:
    return [animals.pid, *descendants(animals.pid)]


def listed(animals: Running, columns: str) -> list[dict[str, Any]]:
    return rows("ps", ",".join(map(str, pids(animals))), "-o", columns)


def ours(animals: Running) -> dict[int, dict[str, Any]]:
    return {row["pid"]: row for row in listed(animals, COLUMNS)}


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_ps_agrees(animals: Running) -> None:
    found = ours(animals)
    fields = "pid,ppid,pgid,sid,tty,ruid,euid,rgid,egid,stat,ni,nlwp,comm"
    out = output("ps", "-ww", "--no-headers", "-o", fields, "-p", ",".join(map(str, found)))
    seen = {}
    for line in out.splitlines():
        words = line.split(None, 12)
        seen[int(words[0])] = words
    assert seen.keys() == found.keys()
    for pid, words in seen.items():
        row = found[pid]
        assert [str(row[name]) for name in COLUMNS.split(",")[:4]] == words[:4]
        assert (row["tty"] or "?") == words[4]
        assert [str(row[name]) for name in ("uid", "euid", "gid", "egid")] == words[5:9]
        assert row["stat"] == words[9]
        assert [str(row["nice"]), str(row["threads"])] == words[10:12]
        comm = words[12].removesuffix(" <defunct>")  # ps writes control characters as ?
        assert row["comm"].replace("\n", "?") == comm


def test_every_mark_of_ps_was_there_to_be_seen(animals: Running) -> None:
    stats = {row["comm"]: row["stat"] for row in ours(animals).values()}
    assert stats["threads"] == "Sl" and stats["nice"] == "SN" and stats["locked"] == "SL"
    assert stats["leader of (all)"] == "Ss"
    assert {"Z", "T", "Ss+"} <= {row["stat"] for row in ours(animals).values()}


def test_psutil_agrees(animals: Running) -> None:
    columns = COLUMNS + ",vss,age,cpu,command"
    for row in listed(animals, columns):
        other = psutil.Process(row["pid"])
        with other.oneshot():
            assert row["ppid"] == other.ppid()
            assert (row["uid"], row["euid"]) == other.uids()[:2]
            assert (row["gid"], row["egid"]) == other.gids()[:2]
            assert row["nice"] == other.nice()
            assert row["threads"] == other.num_threads()
            assert row["tty"] == ((other.terminal() or "").removeprefix("/dev/") or None)
            assert (row["vss"] or 0) == other.memory_info().vms
            assert abs(row["age"] + other.create_time() - psutil.time.time()) < 5
            times = other.cpu_times()
            assert row["cpu"] == pytest.approx(times.user + times.system, abs=0.05)
        if other.status() != psutil.STATUS_ZOMBIE:
            assert row["command"] == " ".join(other.cmdline())


def test_psutil_agrees_on_memory(animals: Running) -> None:
    for pid in pids(animals):
        other = psutil.Process(pid)

        def sizes(pid: int = pid) -> dict[str, Any]:
            [row] = rows("ps", str(pid), "-o", "rss,pss,uss")
            return row

        if other.status() == psutil.STATUS_ZOMBIE:
            assert sizes() == dict.fromkeys(("rss", "pss", "uss"))
            continue
        before, full, after = sizes(), other.memory_full_info(), sizes()
        for size in before:
            around = Around(before[size], after[size])
            assert around.agrees(getattr(full, size), rel=0.1), (size, around, full)


def test_states_agrees(animals: Running) -> None:
    parent = str(animals.pid)
    out = output("ps", "--no-headers", "-o", "stat", "--ppid", parent)
    found = {
        row["state"]: row["count"] for row in rows("states", "-P", parent, "-o", "state,count")
    }
    assert found == Counter(line[0] for line in out.splitlines())


@pytest.mark.parametrize(
    ("their", "our"),
    [
        (("-P", "{}"), ("--parent", "{}")),
        (("-P", "{}", "-x", "nice"), ("--parent", "{}", "--name", "^nice$")),
        (("-f", "-P", "{}", "menagerie"), ("--full", "menagerie", "--parent", "{}")),
        (("-P", "{}", "-u", "34"), ("--parent", "{}", "--user", "34")),
        (("-P", "{}", "-r", "T,Z"), ("--parent", "{}", "--state", "T,Z")),
    ],
)
def test_pgrep_agrees(animals: Running, their: tuple[str, ...], our: tuple[str, ...]) -> None:
    theirs, mine = ([word.format(animals.pid) for word in words] for words in (their, our))
    out = output("pgrep", *theirs)
    assert out and reaperctl("ps", "--pids", *mine)[1] == out


def test_pstree_agrees(animals: Running) -> None:
    out = output("pstree", "-p", "-A", "-l", str(animals.pid))
    found = [row["pid"] for row in rows("tree", "--threads", str(animals.pid), "-o", "pid")]
    assert sorted(found) == sorted(map(int, re.findall(r"\((\d+)\)(?!\))", out)))


def test_tree_names_each_parent(animals: Running) -> None:
    found = rows("tree", str(animals.pid), "-o", "pid,ppid,depth")
    assert {row["pid"] for row in found if row["depth"] == 1} == set(descendants(animals.pid))
    assert {row["ppid"] for row in found if row["depth"] == 1} == {animals.pid}


def show(animals: Running, name: str) -> dict[str, Any]:
    pid = next(pid for pid, row in ours(animals).items() if row["comm"] == name)
    code, out, err = reaperctl("show", str(pid), "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def test_show_has_the_threads_of_ps(animals: Running) -> None:
    found = show(animals, "threads")
    out = output("ps", "-T", "--no-headers", "-o", "tid,stat,comm", "-p", str(found["pid"]))
    seen = [line.split(None, 2) for line in out.splitlines()]
    assert [(str(t["tid"]), t["state"], t["name"]) for t in found["tasks"]] == [
        (tid, stat[0], comm) for tid, stat, comm in seen
    ]
    assert len(found["tasks"]) == 4


@pytest.mark.parametrize("command", ["show", "ps", "tree", "maps", "kill"])
def test_a_thread_is_no_process(animals: Running, command: str) -> None:
    found = show(animals, "threads")
    tid = found["tasks"][1]["tid"]
    code, out, err = reaperctl(command, str(tid))
    assert (code, out) == (2, "")
    assert err in (
        f"reaperctl: {tid} is a thread of process {found['pid']}; name the process\n",
        f"reaperctl: no process {tid}; reaperctl ps lists those that are there\n",  # kill
    )


def test_show_says_which_limits_are_none(animals: Running) -> None:
    out = reaperctl("show", str(animals.pid))[1]
    assert re.search(r"(?m)^stack size +\d+ +unlimited bytes$", out)


def test_show_names_the_signals(animals: Running) -> None:
    signals = show(animals, "signals")["signals"]
    assert signals["pending"] == ["SIGWINCH"]
    assert signals["blocked"] == ["SIGWINCH", "SIGRTMIN+1"]
    assert {"SIGHUP", "SIGPIPE"} <= set(signals["ignored"])
    assert {"SIGUSR1", "SIGINT"} <= set(signals["caught"])


def test_show_agrees_with_psutil_on_what_it_holds(animals: Running) -> None:
    found = show(animals, "nice")
    other = psutil.Process(found["pid"])
    assert found["exe"] == other.exe() and found["cwd"] == other.cwd()
    assert sum(found["descriptors"].values()) == other.num_fds()
    assert found["argv"] == other.cmdline()
    limits = {limit["name"]: (limit["soft"], limit["hard"]) for limit in found["limits"]}
    assert limits["open files"] == other.rlimit(psutil.RLIMIT_NOFILE)
    assert [row["pid"] for row in found["lineage"]] == [p.pid for p in other.parents()]


def test_the_parts_of_memory_add_up(animals: Running) -> None:
    found = show(animals, "nice")
    full = psutil.Process(found["pid"]).memory_full_info()
    later = show(animals, "nice")

    def around(size: str) -> Around:
        return Around(*(sum(part[size] for part in told["memory"]) for told in (found, later)))

    parts = {part["kind"]: part for part in found["memory"]}
    assert sum(part["rss"] for part in parts.values()) == pytest.approx(found["rss"], rel=0.1)
    # Each region's PSS is cut down to full kB.
    regions = len(rows("maps", str(found["pid"]), "-o", "start"))
    assert around("pss").agrees(full.pss, abs=1024 * regions)
    assert around("uss").agrees(full.uss)
    assert sum(part["vss"] for part in parts.values()) == pytest.approx(found["vss"], abs=1 << 16)
    assert {"text", "data", "heap", "stack", "anonymous", "libraries"} <= set(parts)
    assert all(parts[kind]["rss"] > 0 for kind in ("text", "data", "heap", "stack", "libraries"))


def test_maps_goes_from_high_to_low_and_agrees_with_psutil(animals: Running) -> None:
    pid = show(animals, "nice")["pid"]
    found = rows("maps", str(pid), "-o", "start,end,rss,pss,perm,path,kind")
    starts = [int(row["start"], 16) for row in found]
    assert starts == sorted(starts, reverse=True)
    theirs = psutil.Process(pid).memory_maps(grouped=False)
    assert len(theirs) == len(found)
    seen = {m.addr.split("-")[0].zfill(12): (m.rss, m.perms) for m in theirs}
    assert {row["start"]: (row["rss"], row["perm"]) for row in found} == seen
    assert [row["path"] for row in found if row["kind"] == "heap"] == ["[heap]"]


def test_the_picture_of_an_address_space_has_its_gaps(animals: Running) -> None:
    code, out, _ = reaperctl("maps", str(animals.pid))
    kinds = [line.split()[-2:] for line in out.splitlines() if " gap " in line]
    assert code == 0 and len(kinds) >= 3
    assert max(map(len, out.splitlines())) <= 80
