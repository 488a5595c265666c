"""The machine as the tests found it: what they leave behind fails the module that left it.

A look at the machine is a bag of lines: mounts, settings of the kernel, users, control groups,
links, processes, and the modes of what everybody shares. One is taken at the start, another one
after each module and at the end, and what has changed is named in one line, unless a table here
says why it may.

Processes are told from those of others by a variable of their environment; pytest adds the test
that started them. An orphan whose environment lacks it is not seen.
"""

import os
import re
import socket
import stat
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support import comm, descendants, state

MARK = "TESTED_BY"
PATIENCE = 10.0  # seconds; what goes by itself in a moment was not left behind
SHOWN, LONGEST = 6, 150  # changes, the others are counted; characters of one

# What a look at /proc/sys leaves out.
NOT_READ = {
    "fs/binfmt_misc": "an automount: to look at it would mount it",
    "vm/stat_refresh": "a command: to read it is to give it",
}
Table = tuple[tuple[str, str], ...]

# What may change, as a pattern of the change: `+` stands before what came, `-` before what went.
MOVES: Table = (
    (r"[+-] setting fs/(dentry|inode)-state ", "a counter"),
    (r"[+-] setting fs/(file|inode|aio)-nr ", "a counter"),
    (r"[+-] setting fs/quota/", "counters"),
    (r"[+-] setting kernel/(ns_last_pid|pty/nr) ", "a counter"),
    (r"[+-] setting kernel/random/", "random numbers and what is left of them"),
    (r"[+-] setting kernel/(tainted|hung_task_detect_count) ", "what the kernel went through"),
    (r"[+-] setting net/netfilter/nf_conntrack_(count|generic)", "a counter"),
    (r"[+-] setting net/ipv[46]/(conf|neigh)/", "come and go with a link"),
    (r"[+-] setting net/mptcp/", "counters and defaults of a module"),
    (
        r"[+-] link (veth|br-)",
        "come and go with the containers of others; one of ours has processes",
    ),
    (r"- cgroup ", "others end theirs; those of the tests are none that were there before"),
    (rf"\+ cgroup \S*/ctl-test-(?!{os.getpid()}$)", "of another run of the tests, beside this one"),
    (r"[+-] mount /(media|mnt|run/user|run/credentials)/", "sessions and disks of people"),
    (r"[+-] mount /tmp/(?!pytest-of-|reaper-)", "folders of others, such as builds in a chroot"),
)

# What an engine leaves behind: tests/container/engine.sh says who starts and ends it.
STAYS: Table = (
    *MOVES,
    (r"[+-] setting net/(ipv[46]/ip_forward |bridge/)", "of docker and podman"),
    (r"[+-] setting net/netfilter/", "come with a module that docker loads"),
    (r"[+-] link (docker|podman|cni-podman)\d+$", "the bridge of docker and podman"),
    (
        r"\+ cgroup \S*/(docker|libpod_parent|machine\.slice|user\.slice)(/|$)",
        "of containers, those of others too; one that is left is seen by its conmon or shim",
    ),
    (r"[+-] mount /var/lib/(docker|containers)", "the storage of an engine, that of others too"),
    (r"[+-] mount (/var)?/run/(docker|netns|containers)", "network namespaces of the engines"),
    (r"\+ user /etc/(passwd|group|g?shadow|subuid|subgid) reaper-test:", "for rootless podman"),
    (r"\+ user /etc/g(roup|shadow) docker:", "of the engine's package"),
)

# What is there from the first container test to the last one, and no longer.
RUNS: Table = (
    *STAYS,
    (r"\+ process (dockerd|containerd|docker-proxy) ", "the engine that engine.sh started"),
    (r"\+ process (catatonit|podman)", "keeps the namespaces of rootless podman"),
)


def mounts() -> Iterator[str]:
    """Those of this mount namespace, as proc_pid_mountinfo(5) has them."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        front, _, back = line.partition(" - ")
        point, options = front.split()[4:6]
        kind, _, more = back.split(" ", 2)
        yield f"mount {point} {kind} {options},{more}"


def settings() -> Iterator[str]:
    """All below /proc/sys that can be read: proc_sys(5)."""
    root = Path("/proc/sys")
    for folder, folders, files in os.walk(root):
        where = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if str(where / name) not in NOT_READ]
        for name in files:
            path = str(where / name)
            if path not in NOT_READ:
                with suppress(OSError):
                    yield f"setting {path} = {read(root / path)}"


def read(path: Path) -> str:
    """A short file of the kernel, in one line; a look that would wait is an OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return " ".join(os.read(descriptor, 4096).decode(errors="replace").split())
    finally:
        os.close(descriptor)


def users() -> Iterator[str]:
    """The lines of the files of users and groups; of those with passwords the names and a sum."""
    for name in ("passwd", "group", "subuid", "subgid", "shadow", "gshadow"):
        path = Path("/etc", name)
        with suppress(FileNotFoundError, PermissionError):
            for line in path.read_text().splitlines():
                secret = f"{line.partition(':')[0]}: {zlib.crc32(line.encode()):x}"
                yield f"user {path} {secret if 'shadow' in name else line}"


def shared_files() -> Iterator[str]:
    """Owner and mode of what everybody uses, as stat(1) says them."""
    for name in ("/", "/tmp", "/var/tmp", "/dev/shm", "/dev/null", "/dev/full", "/dev/zero",
                 "/dev/ptmx", "/dev/pts", "/etc", "/run", "/usr/bin", "/proc", "/sys"):  # fmt: skip
        with suppress(FileNotFoundError):
            found = Path(name).stat()
            yield f"file {name} {stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"


def control_groups() -> Iterator[str]:
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        yield f"cgroup {folder}"


def links() -> Iterator[str]:
    """Network devices. A network namespace that outlives its processes is a mount."""
    for _, name in socket.if_nameindex():
        yield f"link {name}"


def environment(pid: int) -> dict[str, str]:
    """What a process was started with; nothing where it is gone, dead or another user's."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
        return {name: value for name, _, value in (word.partition("=") for word in words)}
    return {}


def ours() -> dict[int, dict[str, str]]:
    """The living processes of this run of the tests, without itself, and their environment."""
    pids = {int(path.name) for path in Path("/proc").glob("[0-9]*")}
    found = {pid: environment(pid) for pid in pids - {os.getpid()}}
    below = descendants(os.getpid())
    mine = {pid: env for pid, env in found.items() if pid in below or is_marked(env)}
    return {pid: env for pid, env in mine.items() if state(pid) not in "XZ"}


def is_marked(env: dict[str, str]) -> bool:
    return env.get(MARK, "") == os.environ.get(MARK)


def processes() -> Iterator[str]:
    for pid, env in ours().items():
        test, _, _ = env.get("PYTEST_CURRENT_TEST", "").rpartition(" (")  # setup, call, teardown
        yield f"process {comm(pid)} ({pid}) of {test or 'no test'}"


def look() -> Counter[str]:
    """All of the machine that tests could change."""
    kinds = (mounts, settings, users, shared_files, control_groups, links, processes)
    return Counter(line for kind in kinds for line in kind())


def is_of_others(change: str, mine: Iterable[int]) -> bool:
    """Whether it is a control group that others use."""
    kind, _, folder = change.removeprefix("+ ").partition(" ")
    if kind != "cgroup":
        return False
    inside: set[int] = set()
    for place, _, _ in os.walk(folder):  # which passes over what vanishes meanwhile
        with suppress(OSError):
            inside |= set(map(int, Path(place, "cgroup.procs").read_text().split()))
    return bool(inside - {os.getpid(), *mine})


def differences(before: Counter[str], after: Counter[str], known: Table) -> list[str]:
    """What came and what went, without what the table knows."""
    signed = [f"+ {line}" for line in after - before] + [f"- {line}" for line in before - after]
    unknown = [x for x in signed if not any(re.match(pattern, x) for pattern, _ in known)]
    mine = ours() if unknown else {}
    return sorted(change for change in unknown if not is_of_others(change, mine))


class Machine:
    """What was last seen of it."""

    def __init__(self) -> None:
        self.seen = look()

    def compare(self, who: str, known: Table) -> None:
        """Fail with one line where it is not as it was; that is said once."""
        now = look()
        lasting = set(differences(self.seen, now, known))
        waited = 0.0  # without the time that the looks take: a busy machine gets as many of them
        while lasting:
            if waited > PATIENCE:
                self.seen = now
                pytest.fail(sentence(who, sorted(lasting)), pytrace=False)
            time.sleep(0.1)
            waited += 0.1
            now = look()
            lasting &= set(differences(self.seen, now, known))  # what others do comes and goes


def sentence(who: str, changed: list[str]) -> str:
    more = f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    shown = (x if len(x) <= LONGEST else f"{x[:LONGEST]}…" for x in changed[:SHOWN])
    return f"{who} left the machine changed: {'; '.join(shown)}{more}"


@pytest.fixture(scope="session", autouse=True)
def machine() -> Iterator[Machine]:
    """Compared once more when the engines have ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, f"{os.getpid()}.{time.monotonic_ns()}")
        found = Machine()
        yield found
        found.compare("the whole run", STAYS)


@pytest.fixture(scope="module", autouse=True)
def machine_is_left_alone(request: pytest.FixtureRequest, machine: Machine) -> Iterator[None]:
    yield
    machine.compare(request.node.nodeid, RUNS)
