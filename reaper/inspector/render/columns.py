"""The columns of a process: what ps, tree, top, mem, show and kill can show about it.

Pure, except that it looks up the names of users.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import TypeVar

from ..reading.procfs import Process
from .style import state_style
from .table import Column

R = TypeVar("R")

# The major numbers of pseudo terminals: Documentation/admin-guide/devices.txt of the kernel.
_PTY_MAJORS = range(136, 144)


@cache
def tty_name(device: int) -> str | None:
    """The name (pts/3, tty1) for a device number from /proc/PID/stat; None for no terminal."""
    if not device:
        return None
    major, minor = device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00
    if major in _PTY_MAJORS:
        return f"pts/{minor + 256 * (major - _PTY_MAJORS[0])}"
    if major == 4:
        return f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}"
    return "console" if (major, minor) == (5, 1) else f"{major}:{minor}"


def stat_flags(process: Process) -> str:
    """The state and its marks as ps writes them: `<` nice below 0, N above, L locked pages,
    s session leader, l threads, + in the terminal's foreground."""
    stat = process.stat
    locked = process.status and process.status.size(b"VmLck")
    return "".join(
        (
            stat.state,
            "<" if stat.nice < 0 else "N" if stat.nice > 0 else "",
            "L" if locked else "",
            "s" if stat.sid == stat.pid else "",
            "l" if stat.threads > 1 else "",
            "+" if stat.tpgid == stat.pgid else "",
        )
    )


@cache
def user_name(uid: int) -> str:
    """The name of a user id, or the number if it has no name."""
    try:
        from pwd import getpwuid  # noqa: PLC0415

        return getpwuid(uid).pw_name
    except (ImportError, KeyError, OverflowError):
        return str(uid)


def id_of(process: Process, kind: str, index: int) -> int | None:
    """A user or group id: `kind` is uids or gids, `index` is 0 for real or 1 for effective."""
    ids: tuple[int, ...] | None = getattr(process.status, kind, None)
    return ids[index] if ids else None


def user(process: Process) -> str | None:
    """The effective user."""
    uid = id_of(process, "uids", 1)
    return None if uid is None else user_name(uid)


def _nspid(process: Process) -> int | None:
    pids = process.status and process.status.nspids
    return pids[-1] if pids else None


def _cgroup(process: Process) -> str | None:
    """The paths other than `/`, each once: a hybrid of v1 and v2 may have several, as in ps(1)."""
    paths = dict.fromkeys(membership.path for membership in process.cgroup or ())
    return ",".join(path for path in paths if path != "/") or next(iter(paths), None)


def lifted(
    columns: Iterable[Column[Process]], process_of: Callable[[R], Process]
) -> tuple[Column[R], ...]:
    """The same columns for rows that hold a process."""

    def lift(column: Column[Process]) -> Column[R]:
        return replace(column, value=lambda row: column.value(process_of(row)))  # type: ignore

    return tuple(map(lift, columns))


def _percent(part: float | None, whole: float | None) -> float | None:
    return 100 * part / whole if part is not None and whole else None


def _shared(process: Process) -> int | None:
    sizes = [process.status and process.status.size(key) for key in (b"RssFile", b"RssShmem")]
    return None if None in sizes else sum(size or 0 for size in sizes)


def _started(process: Process) -> float | None:
    boot = process.machine.boot if process.machine else None
    return None if boot is None else boot + process.stat.start


def _pmem(process: Process) -> float | None:
    return _percent(process.stat.rss, process.machine.memory if process.machine else None)


def _switches(kind: bytes) -> Callable[[Process], int | None]:
    return lambda p: p.status.number(kind + b"_ctxt_switches") if p.status else None


STATUS = ("status",)
MEMORY = ("memory",)
MACHINE = ("machine",)
IO = ("io",)

PROCESS: tuple[Column[Process], ...] = (
    Column("pid", lambda p: p.stat.pid, "process id", "integer"),
    Column("ppid", lambda p: p.stat.ppid, "parent process; 0 if it is outside", "integer"),
    Column("pgid", lambda p: p.stat.pgid, "process group", "integer"),
    Column("sid", lambda p: p.stat.sid, "session", "integer"),
    Column("tty", lambda p: tty_name(p.stat.tty), "controlling terminal"),
    Column("stat", stat_flags, "state and marks, as ps writes them: < N L s l +", needs=STATUS,
           style=state_style),
    Column("state", lambda p: p.stat.state, "state: R S D T t Z X I", style=state_style),
    Column("uid", lambda p: id_of(p, "uids", 0), "real user id", "integer", STATUS),
    Column("euid", lambda p: id_of(p, "uids", 1), "effective user id", "integer", STATUS),
    Column("user", user, "effective user", needs=STATUS),
    Column("gid", lambda p: id_of(p, "gids", 0), "real group id", "integer", STATUS),
    Column("egid", lambda p: id_of(p, "gids", 1), "effective group id", "integer", STATUS),
    Column("threads", lambda p: p.stat.threads, "threads", "integer", header="THR"),
    Column("priority", lambda p: p.stat.priority, "the kernel's priority, below 0: real time",
           "integer", header="PR"),
    Column("nice", lambda p: p.stat.nice, "nice value", "integer", header="NI"),
    Column("cpu", lambda p: p.stat.user + p.stat.system, "CPU time used", "cpu"),
    Column("user_cpu", lambda p: p.stat.user, "CPU time in user mode", "cpu", header="USR"),
    Column("system_cpu", lambda p: p.stat.system, "CPU time in the kernel", "cpu", header="SYS"),
    Column("pcpu", lambda p: _percent(p.stat.user + p.stat.system, p.age),
           "CPU time used / age, in percent", "percent", header="%CPU"),
    Column("wait", lambda p: p.wait, "time that its main thread was ready and waited for a CPU",
           "cpu", ("wait",)),
    Column("processor", lambda p: p.stat.processor, "the CPU it ran on last", "integer",
           header="ON"),
    Column("vss", lambda p: p.stat.vss, "virtual size", "bytes"),
    Column("rss", lambda p: p.stat.rss, "resident size, shared pages in full", "bytes"),
    Column("pmem", _pmem,
           "resident size / the machine's memory, in percent", "percent", MACHINE, "%MEM"),
    Column("shr", _shared, "resident pages of files and shared memory", "bytes", STATUS),
    Column("pss", lambda p: p.memory and p.memory.pss,
           "resident size, shared pages divided by their sharers", "bytes", MEMORY),
    Column("uss", lambda p: p.memory and p.memory.uss,
           "resident size, without shared pages", "bytes", MEMORY),
    Column("swap", lambda p: p.status and p.status.size(b"VmSwap"), "swapped out", "bytes", STATUS),
    Column("minflt", lambda p: p.stat.minflt, "page faults without a read from disk", "integer"),
    Column("majflt", lambda p: p.stat.majflt, "page faults with a read from disk", "integer"),
    Column("cswch", _switches(b"voluntary"), "how often its main thread gave up the CPU to wait",
           "integer", STATUS),
    Column("nvcswch", _switches(b"nonvoluntary"), "how often its main thread was preempted",
           "integer", STATUS),
    Column("read", lambda p: p.io and p.io.get("read_bytes"), "read from storage", "bytes", IO),
    Column("written", lambda p: p.io and p.io.get("write_bytes"), "written to storage", "bytes",
           IO),
    Column("age", lambda p: p.age, "time since its start", "seconds"),
    Column("started", _started, "time of day or date of its start", "time", MACHINE),
    Column("start", lambda p: p.stat.start, "start, seconds since boot", "integer"),
    Column("nspid", _nspid, "pid in its own PID namespace", "integer", STATUS),
    Column("hostpid", lambda p: p.hostpid, "its pid outside the container",
           "integer", ("hostpid",)),
    Column("cgroup", _cgroup, "control group", needs=("cgroup",)),
    Column("wchan", lambda p: p.wchan, "kernel function it sleeps in", needs=("wchan",)),
    Column("comm", lambda p: p.stat.comm, "the kernel's name for it, at most 15 bytes"),
    Column("command", lambda p: p.command, "arguments, or [comm] if there are none",
           needs=("argv",)),
)  # fmt: skip
