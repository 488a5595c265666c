"""A line of /proc/PID/stat as proc_pid_stat(5) describes it."""

# The fields behind the name, up to the last one that the tests give.
FIELDS = (
    "state", "ppid", "pgrp", "session", "tty_nr", "tpgid", "flags", "minflt", "cminflt", "majflt",
    "cmajflt", "utime", "stime", "cutime", "cstime", "priority", "nice", "num_threads",
    "itrealvalue", "starttime", "vsize", "rss",
)  # fmt: skip
USUAL: dict[str, str | int] = dict.fromkeys(FIELDS, 0) | {
    "state": "S", "ppid": 1, "tpgid": -1, "priority": 20, "num_threads": 1,
}  # fmt: skip


def stat_line(pid: int, comm: str | bytes = "x", **fields: str | int) -> bytes:
    """The line of a sleeping child of PID 1 that has no memory, but for the fields that are given.

    Time is in clock ticks, vsize in bytes, rss in pages.
    """
    assert fields.keys() <= USUAL.keys(), fields
    name = comm if isinstance(comm, bytes) else comm.encode(errors="surrogateescape")
    return b"%d (%b) %b\n" % (pid, name, " ".join(map(str, (USUAL | fields).values())).encode())
