"""Checks of memory and pids: limits that are close, out-of-memory kills, sums that mislead."""

from collections.abc import Iterator

from ...reading.cgroup import Level
from ...render.style import size
from .finding import CRITICAL, NOTICE, Facts, Finding

PIDS_CLOSE, MEMORY_CLOSE = 0.8, 0.9  # share of the limit
MISLEADING = 64 * 1024 * 1024  # bytes of RSS counted twice; less does not matter


def pids_limit(facts: Facts) -> Iterator[Finding]:
    """The pids limit is close."""
    level = facts.cgroup.pids
    if level.share is None or level.share < PIDS_CLOSE:
        return
    dead = sum(p.stat.zombie for p in facts.snapshot)
    yield Finding(
        "pids-limit",
        CRITICAL,
        f"the pids limit is close: {level.used} of {level.limit}",
        f"{round(level.share * 100)} % of the limit"
        + (f"; {dead} of them are zombies" if dead else ""),
        "threads and zombies count, too; at the limit every fork fails with EAGAIN",
        "reap the zombies, see above"
        if dead
        else "find who starts so many (reaperctl tree), or "
        "raise the limit (docker run --pids-limit)",
    )


def memory_limit(facts: Facts) -> Iterator[Finding]:
    """The memory limit is close. Page cache is not counted: the kernel takes it back first."""
    level = facts.cgroup.memory
    cache = facts.cgroup.cache or 0
    if level.used is None or level.limit is None:
        return
    held = Level(max(0, level.used - cache), level.limit)
    if (held.share or 0) < MEMORY_CLOSE:
        return
    yield Finding(
        "memory-limit",
        CRITICAL,
        f"the memory limit is close: {size(held.used or 0)} of {size(level.limit)}",
        f"{round((held.share or 0) * 100)} % of the limit, page cache not counted"
        + (f"; the peak was {size(level.peak)}" if level.peak else ""),
        "at the limit the kernel kills a process of this container",
        "see who holds it (reaperctl mem --by-command), or raise the limit (docker run --memory)",
    )


def oom_kills(facts: Facts) -> Iterator[Finding]:
    """The kernel has killed processes because memory ran out."""
    count = facts.cgroup.oom_kills
    if not count:
        return
    limit = facts.cgroup.memory.limit
    yield Finding(
        "oom-kills",
        CRITICAL,
        f"the kernel killed {count} process{'es' if count > 1 else ''} here: out of memory",
        f"oom_kill is {count} in this control group"
        + (f", whose limit is {size(limit)}" if limit else ""),
        "the processes wanted more memory than the limit allows, so the kernel killed one of them",
        "see who holds it (reaperctl mem --by-command), or raise the limit (docker run --memory)",
    )


def rss_misleads(facts: Facts) -> Iterator[Finding]:
    """A sum of RSS counts shared pages once for each process."""
    for one in facts.sums:
        if one.known < 2 or one.twice < MISLEADING or one.memory.rss < 2 * one.memory.pss:
            continue
        yield Finding(
            "rss-misleads",
            NOTICE,
            f"the RSS of {one.known} {one.name} processes adds up to {size(one.memory.rss)}, "
            f"but they hold {size(one.memory.pss)}",
            f"RSS {size(one.memory.rss)}, PSS {size(one.memory.pss)}, USS {size(one.memory.uss)}",
            "they were forked from one another and share pages, which RSS counts for each of them",
            "sum up PSS instead (reaperctl mem --by-command) before you raise a limit",
        )
