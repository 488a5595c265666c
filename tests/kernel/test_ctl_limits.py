"""Control groups of this machine: what is charged, limits that are close, and the OOM killer."""

import json
import re

import pytest
from ctl import at_rest, control_group, findings, reaperctl, root, within, without_sizes
from support import as_pid1, reaper, running, victim

MB = 1 << 20
MORE = "zombies,oom-kills,memory-limit"


def test_the_sum_of_pss_is_what_the_control_group_charges() -> None:
    """8 forked workers that share 200 MB: RSS counts them nine times."""
    with control_group("memory", 1024 * MB) as group:
        command = within(group, *reaper("--", *victim("shares_pages", "8", "200")))
        with running(as_pid1(command)) as started:
            started.wait_line("ready")
            at_rest(started.pid)
            code, out, _ = reaperctl("mem", "--root", root(started.pid), "--json")
            text = reaperctl("mem", "--root", root(started.pid), "--by-command")[1]
    found = json.loads(out)
    total, charged = found["total"], found["cgroup"]["used"]
    assert code == 0 and total["count"] == 10
    assert total["pss"] == pytest.approx(charged, rel=0.05)
    assert total["rss"] > 8 * charged
    assert total["twice"] == total["rss"] - total["pss"] or total["rss"] > total["twice"]
    assert found["cgroup"]["limit"] == 1024 * MB
    *_, counts, charges = text.splitlines()
    assert counts.startswith("The sum of RSS counts 1.") and counts.endswith(
        "G of shared pages more than once; the sum of PSS does not."
    )
    assert charges.startswith("The control group charges 2") and charges.endswith(" of 1.0G.")


def test_the_doctor_sees_a_pids_limit_that_is_close() -> None:
    with control_group("pids", 10) as group:
        command = within(group, *reaper("--", *victim("never_waits", "7")))
        with running(as_pid1(command)) as started:
            started.wait_line("ready")
            found = findings(
                "--root", root(started.pid), "--ignore", "zombies,oom-kills,memory-limit"
            )
    assert found == (
        "CRITICAL  the pids limit is close: 9 of 10 [pids-limit]\n"
        "  seen   90 % of the limit; 7 of them are zombies.\n"
        "  cause  threads and zombies count, too; at the limit every fork fails with EAGAIN.\n"
        "  do     reap the zombies, see above.\n"
    )


def test_the_doctor_sees_a_memory_limit_that_is_close() -> None:
    with control_group("memory", 100 * MB) as group:
        command = within(group, *reaper("--", *victim("shares_pages", "0", "88")))
        with running(as_pid1(command)) as started:
            started.wait_line("ready")
            found = findings("--root", root(started.pid), "--ignore", "pids-limit")
    assert without_sizes(re.sub(r"\b9\d %", "9x %", found)) == (
        "CRITICAL  the memory limit is close: SIZE of SIZE [memory-limit]\n"
        "  seen   9x % of the limit, page cache not counted; the peak was SIZE.\n"
        "  cause  at the limit the kernel kills a process of this container.\n"
        "  do     see who holds it (reaperctl mem --by-command), or raise the limit (docker run "
        "--memory).\n"
    )
    assert re.search(r"close: 9\dM of 100M", found)


def test_a_healthy_container_with_limits_has_no_findings() -> None:
    """The doctor finds nothing, and it leaves no finding out."""
    service = reaper("--", *victim("shares_pages", "2", "20"))
    with (
        control_group("memory", 256 * MB) as memory,
        control_group("pids", 50) as pids,
        running(as_pid1(within(memory, *within(pids, *service)))) as started,
    ):
        started.wait_line("ready")
        assert findings("--root", root(started.pid)) == "nothing found: 4 processes looked at\n"


def test_the_doctor_counts_oom_kills() -> None:
    hog = " ".join(victim("shares_pages", "0", "200"))
    with control_group("memory", 64 * MB) as group:
        script = f"{hog}; echo ready; sleep 60; true"
        with running(as_pid1(within(group, *reaper("--", "sh", "-c", script)))) as started:
            started.wait_line("ready")
            found = findings("--root", root(started.pid), "--ignore", "pids-limit")
    assert found == (
        "CRITICAL  the kernel killed 1 process here: out of memory [oom-kills]\n"
        "  seen   oom_kill is 1 in this control group, whose limit is 64M.\n"
        "  cause  the processes wanted more memory than the limit allows, so the kernel killed one "
        "of them.\n"
        "  do     see who holds it (reaperctl mem --by-command), or raise the limit (docker run "
        "--memory).\n"
    )
