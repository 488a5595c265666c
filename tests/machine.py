"""Checks that the tests leave the machine as they found it. A module that does not, fails.

A look at the machine is a bag of lines: mounts, settings of the kernel, users, control groups,
links, processes, and the modes of what everybody shares. One look is taken at the start, one after
each module, and one at the end. If two differ, one line names the changes. A table here lists the
changes that are allowed, and why.

The tests' own processes are recognised by a variable in their environment. pytest adds another one
with the test that started them. An orphan without the variable is not seen.
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
PATIENCE = 10.0  # seconds; what goes away by itself in this time was not left behind
SHOWN, LONGEST = 6, 150  # how many changes are shown, and how many characters of one

# Files of /proc/sys that a look leaves out, and why.
NOT_READ = {
    "fs/binfmt_misc": "an automount: looking at it would mount it",
    "vm/stat_refresh": "a command: reading it would run it",
}
Table = tuple[tuple[str, str], ...]

# Changes that are allowed: a pattern, and the reason. A change begins with `+` if the line is new,
# and with `-` if the line is gone.
MOVES: Table = (
    (r"[+-] setting fs/(dentry|inode)-state ", "a counter"),
    (r"[+-] setting fs/(file|inode|aio)-nr ", "a counter"),
    (r"[+-] setting fs/quota/", "counters"),
    (r"[+-] setting kernel/(ns_last_pid|pty/nr) ", "a counter"),
    (r"[+-] setting kernel/random/", "random numbers and the entropy left"),
    (
        r"[+-] setting kernel/(tainted|hung_task_detect_count) ",
        "the kernel's record of what happened to it",
    ),
    (r"[+-] setting net/netfilter/nf_conntrack_(count|generic)", "a counter"),
    (r"[+-] setting net/ipv[46]/(conf|neigh)/", "come and go with a link"),
    (r"[+-] setting net/mptcp/", "counters and defaults of a module"),
    (
        r"[+-] link (veth|br-)",
        "come and go with other people's containers; ours would show by their processes",
    ),
    (r"- process ", "it has ended"),
    (r"- cgroup ", "others remove theirs; the tests remove only what they made"),
    (rf"\+ cgroup \S*/ctl-test-(?!{os.getpid()}$)", "of another run of the tests at the same time"),
    (r"[+-] mount /(media|mnt|run/user|run/credentials)/", "sessions and disks of people"),
    (r"[+-] mount /tmp/(?!pytest-of-|reaper-)", "folders of others, such as builds in a chroot"),
)

# Also allowed: what an engine leaves behind. tests/container/engine.sh says who starts and ends it.
STAYS: Table = (
    *MOVES,
    (r"[+-] setting net/(ipv[46]/ip_forward |bridge/)", "docker and podman set it"),
    (r"[+-] setting net/netfilter/", "come with a module that docker loads"),
    (r"[+-] link (docker|podman|cni-podman)\d+$", "the bridge of docker and podman"),
    (
        r"\+ cgroup \S*/(docker|libpod_parent|machine\.slice|user\.slice)(/|$)",
        "of containers, ours or others'; a container of ours would show by its conmon or shim",
    ),
    (r"[+-] mount /var/lib/(docker|containers)", "the storage of an engine, ours or another"),
    (r"[+-] mount (/var)?/run/(docker|netns|containers)", "network namespaces of the engines"),
    (r"\+ user /etc/(passwd|group|g?shadow|subuid|subgid) reaper-test:", "for rootless podman"),
    (r"\+ user /etc/g(roup|shadow) docker:", "made by the engine's package"),
)

# Also allowed, but only until the last container test has ended.
RUNS: Table = (
    *STAYS,
    (r"\+ process (dockerd|containerd|docker-proxy) ", "the engine that engine.sh started"),
    (r"\+ process (catatonit|podman)", "it keeps the namespaces of rootless podman"),
)


def mounts() -> Iterator[str]:
    """The mounts of this mount namespace: proc_pid_mountinfo(5)."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        front, _, back = line.partition(" - ")
        point, options = front.split()[4:6]
        kind, _, more = back.split(" ", 2)
        yield f"mount {point} {kind} {options},{more}"


def settings() -> Iterator[str]:
    """All settings in /proc/sys that can be read: proc_sys(5)."""
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
    """Read a short file of the kernel into one line. Raises OSError instead of waiting."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return " ".join(os.read(descriptor, 4096).decode(errors="replace").split())
    finally:
        os.close(descriptor)


def users() -> Iterator[str]:
    """The lines of the user and group files; of files with passwords, the names and checksums."""
    for name in ("passwd", "group", "subuid", "subgid", "shadow", "gshadow"):
        path = Path("/etc", name)
        with suppress(FileNotFoundError, PermissionError):
            for line in path.read_text().splitlines():
                secret = f"{line.partition(':')[0]}: {zlib.crc32(line.encode()):x}"
                yield f"user {path} {secret if 'shadow' in name else line}"


def shared_files() -> Iterator[str]:
    """Owner and mode of the files and folders that everybody uses, as stat(1) shows them."""
    for name in ("/", "/tmp", "/var/tmp", "/dev/shm", "/dev/null", "/dev/full", "/dev/zero",
                 "/dev/ptmx", "/dev/pts", "/etc", "/run", "/usr/bin", "/proc", "/sys"):  # fmt: skip
        with suppress(FileNotFoundError):
            found = Path(name).stat()
            yield f"file {name} {stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"


def control_groups() -> Iterator[str]:
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        yield f"cgroup {folder}"


def links() -> Iterator[str]:
    """Network devices. A network namespace that outlives its processes is seen as a mount."""
    for _, name in socket.if_nameindex():
        yield f"link {name}"


def environment(pid: int) -> dict[str, str]:
    """The environment that a process was started with; empty if it is gone, dead or not ours."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
        return {name: value for name, _, value in (word.partition("=") for word in words)}
    return {}


def ours() -> dict[int, dict[str, str]]:
    """The living processes that this run of the tests started, each with its environment."""
    pids = {int(path.name) for path in Path("/proc").glob("[0-9]*")}
    found = {pid: environment(pid) for pid in pids - {os.getpid()}}
    below = descendants(os.getpid())
    mine = {pid: env for pid, env in found.items() if pid in below or is_marked(env)}
    return {pid: env for pid, env in mine.items() if state(pid) not in "XZ"}


def is_marked(env: dict[str, str]) -> bool:
    return env.get(MARK, "") == os.environ.get(MARK)


def processes() -> Iterator[str]:
    for pid, env in ours().items():
        test, _, _ = env.get("PYTEST_CURRENT_TEST", "").rpartition(" (")  # drops "(call)"
        yield f"process {comm(pid)} ({pid}) of {test or 'no test'}"


def look() -> Counter[str]:
    """Everything on the machine that tests could change."""
    kinds = (mounts, settings, users, shared_files, control_groups, links, processes)
    return Counter(line for kind in kinds for line in kind())


def is_of_others(change: str, mine: Iterable[int]) -> bool:
    """Whether the change is a control group with processes of others in it."""
    kind, _, folder = change.removeprefix("+ ").partition(" ")
    if kind != "cgroup":
        return False
    inside: set[int] = set()
    for place, _, _ in os.walk(folder):  # os.walk skips folders that vanish meanwhile
        with suppress(OSError):
            inside |= set(map(int, Path(place, "cgroup.procs").read_text().split()))
    return bool(inside - {os.getpid(), *mine})


def differences(before: Counter[str], after: Counter[str], known: Table) -> list[str]:
    """The lines that are new or gone, without those that the table allows."""
    signed = [f"+ {line}" for line in after - before] + [f"- {line}" for line in before - after]
    unknown = [x for x in signed if not any(re.match(pattern, x) for pattern, _ in known)]
    mine = ours() if unknown else {}
    return sorted(change for change in unknown if not is_of_others(change, mine))


class Machine:
    """The machine as it was last seen."""

    def __init__(self) -> None:
        self.seen = look()

    def compare(self, who: str, known: Table) -> None:
        """Fail with one line if the machine has changed. Each change is reported once."""
        now = look()
        lasting = set(differences(self.seen, now, known))
        waited = 0.0  # without the time of the looks, so that a busy machine gets as many looks
        while lasting:
            if waited > PATIENCE:
                self.seen = now
                pytest.fail(sentence(who, sorted(lasting)), pytrace=False)
            time.sleep(0.1)
            waited += 0.1
            now = look()
            lasting &= set(differences(self.seen, now, known))  # changes by others come and go


def sentence(who: str, changed: list[str]) -> str:
    more = f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    shown = (x if len(x) <= LONGEST else f"{x[:LONGEST]}…" for x in changed[:SHOWN])
    return f"{who} left the machine changed: {'; '.join(shown)}{more}"


@pytest.fixture(scope="session", autouse=True)
def machine() -> Iterator[Machine]:
    """The machine at the start. It is compared once more when the engines have ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, f"{os.getpid()}.{time.monotonic_ns()}")
        found = Machine()
        yield found
        found.compare("the whole run", STAYS)


@pytest.fixture(scope="module", autouse=True)
def machine_is_left_alone(request: pytest.FixtureRequest, machine: Machine) -> Iterator[None]:
    yield
    machine.compare(request.node.nodeid, RUNS)
