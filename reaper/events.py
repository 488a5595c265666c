"""The vocabulary of the lifecycle trace: the events, their fields, and the schema's version.

A trace is JSON Lines: one object a line, and every line carries the `COMMON` fields. A field that
is not known is left out, never guessed. Whoever writes or reads a trace takes the names from here;
a change that a reader could trip over raises `VERSION`. The events of the JSON log are here, too.
An event is written when the init does a thing or notices it. For an adoption that may be late.
"""

VERSION = 1

COMMON = ("ts", "mono_ns", "event", "pid")

# event -> (fields that are always there, fields that are there where known)
EVENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "start": (
        ("v", "version", "argv", "mode", "pid1"),
        ("argv_cut", "ppid", "uid", "pid_ns", "hz", "host"),
    ),
    "fork": (("ppid", "pgid", "sid"), ()),
    "exec": (("name", "argv"), ("argv_cut", "error")),
    "signal": (
        ("signal", "direction"),
        ("target", "sender", "sender_name", "sender_uid", "rewritten", "result"),
    ),
    "stop": (("signal", "role"), ()),
    "continue": (("role",), ()),
    "detach": ((), ("name", "signal", "result")),
    "exit": (("role",), ("name", "ppid", "pgid", "sid")),
    "adopt": ((), ("name", "argv", "argv_cut", "pgid", "sid", "age")),
    "reap": (
        ("role",),
        (
            "name", "ppid", "pgid", "sid", "code", "signal", "core", "age",
            "user", "system", "max_rss",
        ),
    ),
    "shutdown": (("phase",), ("remaining", "grace")),
    "drop": (("lines",), ("reason",)),
    "end": (("code", "adopted", "reaped", "forwarded", "lost"), ()),
}  # fmt: skip

# event -> when it is written
WHEN: dict[str, str] = {
    "start": "before main is forked; in a trace file, each run of the init begins with it",
    "fork": "main was forked",
    "exec": "main's program was executed, or could not be",
    "signal": "a signal came, was sent on, was dropped, or was sent by the init's own decision",
    "stop": "the init noticed that main was stopped",
    "continue": "the init noticed that main goes on",
    "detach": "a child that made the init its tracer was let go",
    "exit": "the init saw that a child had ended and not been reaped; how it ended is in reap",
    "adopt": "the init noticed an orphan. The kernel does not announce it, so the init looks each "
    "time it wakes (a signal came, a child ended), with --adopted end also once a second, and at "
    "the latest when it reaps the orphan. While nothing happens, an orphan may live for long "
    "before this is written",
    "reap": "a child was reaped",
    "shutdown": "a phase of the shut-down began",
    "drop": "the first line that could be written after others were lost",
    "end": "the init leaves",
}

# What `event` says in a line of --log-format json. The wording of a message may change; these stay.
LOG_EVENTS: dict[str, str] = {
    "start": "where the init runs, once main was started",
    "options": "the options that are not the default, and where each comes from",
    "variable": "a variable looks like one of an option, misspelt",
    "subreaper": "not PID 1: whether orphans come to the init",
    "parent_death": "the init's parent is gone, or --parent-death cannot be had",
    "trace_mode": "the trace is written in another mode than the one asked for",
    "no_proc": "something is left out because /proc is missing or another namespace's",
    "fork": "main could not be forked",
    "setup": "a step of the start failed and did not matter",
    "exec": "main's program could not be executed",
    "signal_received": "a signal came",
    "signal_sent": "a signal was forwarded, or sent by the init's own decision",
    "signal_denied": "the init may not signal a process",
    "signal_held": "--stop-delay holds a stop back",
    "signal_dropped": "a signal was not sent on",
    "stop_ignored": "main was sent a stop, and ignores it",
    "still_at_work": "main was sent a stop, and has not ended",
    "stop": "main was stopped",
    "continue": "main goes on",
    "detach": "a child that made the init its tracer was let go, or cannot be",
    "adopt": "the init noticed an orphan",
    "reap": "a process was reaped",
    "oom": "the kernel killed a process for want of memory, or may have",
    "main_ended": "how main ended, and why",
    "termination_log": "--termination-log could not be written",
    "shutdown": "main is gone and the rest was told to end",
    "end_orphan": "a process is ended because of --adopted end",
    "kill": "a process of the rest is killed: it outlived --grace, or a stop cut that short",
    "terminal": "the terminal's foreground could not be given",
    "refused": "a system call that the init needs is refused",
    "drop": "lines of the log were lost, or at the end of the trace",
    "leave": "the init's exit code, and what the run came to",
    "internal_error": "a fault of the init, which goes on",
}

# field -> (JSON type, meaning)
FIELDS: dict[str, tuple[str, str]] = {
    "ts": ("string", "wall clock, RFC 3339, UTC, microseconds"),
    "mono_ns": ("integer", "CLOCK_MONOTONIC, nanoseconds"),
    "event": ("string", "the kind of this line"),
    "pid": (
        "integer",
        "the process that the event is about, as the init's PID namespace numbers it; in signal "
        "the init for one that came or was dropped, else the process that it went to. Of a group, "
        "or of everybody, that is main; the init if main is gone",
    ),
    "v": ("integer", "version of this schema"),
    "version": ("string", "version of reaper"),
    "argv": ("array", "arguments; bytes that are not UTF-8 as \\udc80 to \\udcff"),
    "argv_cut": ("boolean", "true where argv was cut to keep the line in one write"),
    "mode": ("string", "own or exact"),
    "pid1": ("boolean", "whether the init is PID 1 of its namespace"),
    "ppid": ("integer", "parent; in exit and reap of an orphan it is already the init"),
    "uid": ("integer", "real user id"),
    "pid_ns": ("integer", "inode number of the PID namespace"),
    "hz": ("integer", "clock ticks a second"),
    "host": ("string", "host name, in a container the container's"),
    "pgid": ("integer", "process group"),
    "sid": ("integer", "session"),
    "name": ("string", "the kernel's comm, at most 15 bytes"),
    "error": ("string", "symbolic errno of an exec that failed"),
    "signal": ("string", "signal name; in detach the one that the tracee goes on with"),
    "direction": ("string", "received, forwarded, dropped or sent (by the init's own decision)"),
    "target": ("integer", "whom it went to, as kill(2) takes it: pid, -pgid or -1"),
    "sender": ("integer", "pid of the sender, 0 from outside the namespace or from the kernel"),
    "sender_name": ("string", "comm of the sender, where it still lived"),
    "sender_uid": ("integer", "real user id of the sender"),
    "rewritten": ("string", "name of the signal that was received, where --rewrite changed it"),
    "result": ("string", "symbolic errno where the kernel refused"),
    "role": ("string", "main, orphan or other"),
    "code": ("integer", "exit code; absent after a death by signal"),
    "core": ("boolean", "true where a core was dumped"),
    "age": ("number", "seconds since the process was forked"),
    "user": ("number", "CPU seconds in user mode, the reaped children's included"),
    "system": ("number", "CPU seconds in kernel mode, the reaped children's included"),
    "max_rss": ("integer", "largest resident set, bytes"),
    "phase": ("string", "term, kill or done"),
    "remaining": ("integer", "processes still there"),
    "grace": ("number", "seconds the rest is given"),
    "lines": ("integer", "trace lines lost since the last drop event"),
    "reason": ("string", "symbolic errno of the loss"),
    "adopted": ("integer", "orphans that the init noticed or reaped"),
    "reaped": ("integer", "processes reaped, main included"),
    "forwarded": ("integer", "signals sent on"),
    "lost": ("integer", "trace lines that could not be written, in all"),
}
