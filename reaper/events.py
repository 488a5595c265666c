"""The vocabulary of the lifecycle trace: the events, their fields, and the schema's version.

A trace is JSON Lines: one object a line. Every line has the `COMMON` fields. A field whose value is
not known is left out, never guessed. Code that writes or reads a trace takes the names from here. A
change that could break a reader raises `VERSION`. The events of the JSON log are here, too.
An event is written when the init does something or notices it. An adoption may be noticed late.
"""

VERSION = 1

COMMON = ("ts", "mono_ns", "event", "pid")

# event -> (fields that are always there, fields that are there if they are known)
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

# event -> when it is written (a clause or sentence without the last full stop)
WHEN: dict[str, str] = {
    "start": "before main is forked; each run of the init begins with it in a trace file",
    "fork": "main was forked",
    "exec": "main's program was executed, or could not be",
    "signal": "a signal came, was forwarded, was dropped, or was sent by the init's own decision",
    "stop": "the init noticed that main was stopped",
    "continue": "the init noticed that main was continued",
    "detach": "a child that made the init its tracer was let go",
    "exit": "the init saw that a child had ended and was not reaped yet; how it ended is in the "
    "reap event",
    "adopt": "the init noticed an orphan. The kernel does not announce an adoption, so the init "
    "looks each time it wakes (a signal came, a child ended), with --adopted end also once a "
    "second, and at the latest when it reaps the orphan. While nothing happens, an orphan may "
    "live for long before this is written",
    "reap": "a child was reaped",
    "shutdown": "a phase of the shut-down began",
    "drop": "the first line that could be written after other lines were lost",
    "end": "the init is about to leave",
}

# The values of `event` in a line of --log-format json, and what each means. The wording of a
# message may change; these values stay.
LOG_EVENTS: dict[str, str] = {
    "start": "where the init runs; written after main was started",
    "options": "the options that are not at their default, and where each comes from",
    "variable": "a variable looks like a misspelt REAPER_ variable",
    "subreaper": "not PID 1: whether orphans come to the init",
    "parent_death": "the init's parent is gone, or --parent-death does not work here",
    "trace_mode": "the trace is written in another mode than the one that was asked for",
    "no_proc": "something is left out because /proc is missing or is another namespace's",
    "fork": "main could not be forked",
    "setup": "a step of the start failed, and the init goes on without it",
    "exec": "main's program could not be executed",
    "signal_received": "a signal came",
    "signal_sent": "a signal was forwarded, or sent by the init's own decision",
    "signal_denied": "the init may not signal a process",
    "signal_held": "--stop-delay holds a stop back",
    "signal_dropped": "a signal was not forwarded",
    "stop_ignored": "main ignores a stop that it was sent, or will be sent after --stop-delay",
    "still_at_work": "a stop was sent to main, and main has not ended yet",
    "stop": "main was stopped",
    "continue": "main was continued",
    "detach": "a child that made the init its tracer was let go, or cannot be let go",
    "adopt": "the init noticed an orphan",
    "reap": "a process was reaped",
    "oom": "the kernel killed a process for want of memory, or may have done so",
    "main_ended": "how main ended, and why",
    "termination_log": "--termination-log could not be written",
    "shutdown": "main is gone and the rest was told to end",
    "end_orphan": "a signal was sent to an orphan because of --adopted end",
    "kill": "a process of the rest is killed: it outlived --grace, or a stop cut that short",
    "terminal": "the terminal's foreground could not be given to a process group",
    "refused": "a system call that the init needs is refused",
    "drop": "lines of the log were lost; or, at the end, lines of the trace were lost",
    "leave": "the init's exit code, and the counts and peaks of the run",
    "internal_error": "a fault of the init; the init goes on",
}

# field -> (JSON type, meaning)
FIELDS: dict[str, tuple[str, str]] = {
    "ts": ("string", "wall clock, RFC 3339, UTC, microseconds"),
    "mono_ns": ("integer", "CLOCK_MONOTONIC, nanoseconds"),
    "event": ("string", "the kind of this line"),
    "pid": (
        "integer",
        "the process that the event is about, as the init's PID namespace numbers it. In a signal "
        "event it is the init if the signal came or was dropped, else the process that got the "
        "signal. If a group or everybody got it, pid is main, or the init if main is gone",
    ),
    "v": ("integer", "version of this schema"),
    "version": ("string", "version of reaper"),
    "argv": ("array", "arguments; bytes that are not UTF-8 are written as \\udc80 to \\udcff"),
    "argv_cut": ("boolean", "true if argv was cut so that the line is one write"),
    "mode": ("string", "own or exact"),
    "pid1": ("boolean", "whether the init is PID 1 of its namespace"),
    "ppid": (
        "integer",
        "parent; in the exit and reap events of an orphan this is already the init",
    ),
    "uid": ("integer", "real user id"),
    "pid_ns": ("integer", "inode number of the PID namespace"),
    "hz": ("integer", "clock ticks a second"),
    "host": ("string", "host name; in a container, the container's"),
    "pgid": ("integer", "process group"),
    "sid": ("integer", "session"),
    "name": ("string", "the kernel's comm, at most 15 bytes"),
    "error": ("string", "symbolic errno of an exec that failed"),
    "signal": (
        "string",
        "signal name; in a detach event, the signal that the tracee was continued with",
    ),
    "direction": ("string", "received, forwarded, dropped or sent (by the init's own decision)"),
    "target": ("integer", "where the signal was sent, as kill(2) takes it: pid, -pgid or -1"),
    "sender": ("integer", "pid of the sender; 0 if it is outside the namespace, or the kernel"),
    "sender_name": ("string", "comm of the sender, if it still lived"),
    "sender_uid": ("integer", "real user id of the sender"),
    "rewritten": ("string", "name of the signal that was received, if --rewrite changed it"),
    "result": ("string", "symbolic errno if the kernel refused"),
    "role": ("string", "main, orphan or other"),
    "code": ("integer", "exit code; absent after a death by signal"),
    "core": ("boolean", "true if a core was dumped"),
    "age": ("number", "seconds since the process was forked"),
    "user": ("number", "CPU seconds in user mode, including those of its reaped children"),
    "system": ("number", "CPU seconds in kernel mode, including those of its reaped children"),
    "max_rss": ("integer", "largest resident set, in bytes"),
    "phase": ("string", "term, kill or done"),
    "remaining": ("integer", "processes that are still there"),
    "grace": ("number", "seconds that the rest is given to end"),
    "lines": ("integer", "trace lines that were lost since the last drop event"),
    "reason": ("string", "symbolic errno of the loss"),
    "adopted": ("integer", "orphans that the init noticed or reaped"),
    "reaped": ("integer", "processes that were reaped, including main"),
    "forwarded": ("integer", "signals that were forwarded"),
    "lost": ("integer", "trace lines that were lost, in all"),
}
