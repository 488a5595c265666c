"""Looks into a container from outside: finds its /proc by its name, and its pids as seen here.

It asks the engine's own command, docker or podman, for the container's id and for the pid of its
PID 1. Everything else comes from /proc.
Sources: docker-container-inspect(1), podman-container-inspect(1), pid_namespaces(7).
"""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ..errors import UserError
from .procfs import Proc, Snapshot, Status, text

ENGINES = ("docker", "podman")
PATIENCE = 10.0  # seconds for an engine to answer
INSPECT = ("container", "inspect", "--format", "{{.State.Pid}} {{.Id}}", "--")


@dataclass(frozen=True)
class Answer:
    """What an engine's command said about a container."""

    engine: str
    code: int
    out: str
    err: str


def choose(name: str, answers: Iterable[Answer]) -> tuple[int, str]:
    """Take the host pid of the container's PID 1, and its id, from the engines' answers. Pure.

    Raises UserError if no engine runs the container.
    """
    complaints = []
    for answer in answers:
        pid, _, identity = answer.out.strip().partition(" ")
        if answer.code == 0 and pid.isdecimal() and identity:
            if int(pid):
                return int(pid), identity
            complaints.append(f"{answer.engine}: the container is not running")
        else:
            line = (answer.err.strip() or "no answer").splitlines()[-1]
            complaints.append(f"{answer.engine}: {line}")
    if not complaints:
        raise UserError(
            "--container needs the docker or podman command; --root /proc/PID/root/proc does not"
        )
    raise UserError(f'no running container "{name}": {"; ".join(complaints)}')


def ask(engine: str, name: str) -> Answer:
    """Ask one engine. If it hangs or cannot start, the answer says so."""
    command = [engine, *INSPECT, name]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Answer(engine, -1, "", str(problem))
    return Answer(engine, done.returncode, text(done.stdout), text(done.stderr))


def root_of(name: str, here: Proc) -> str:
    """The container's /proc as a folder of this system. Raises UserError."""
    pid, identity = choose(name, (ask(engine, name) for engine in ENGINES if shutil.which(engine)))
    # An engine on another machine answers with a pid of that machine. So check that the process is
    # the container's: the container's id is in the paths of its control group, or of the files
    # that engines mount into it (/etc/hostname).
    marks = (here.maybe(f"{pid}/cgroup") or b"") + (here.maybe(f"{pid}/mountinfo") or b"")
    if identity.encode() not in marks:
        raise UserError(
            f'"{name}" has PID {pid}, but that is another process here; run reaperctl on the '
            "machine of the engine, as root"
        )
    if here.names(f"{pid}/root") is None:
        raise UserError(f'no permission to look into "{name}"; try it as root')
    if here.maybe(f"{pid}/root/proc/1/stat") is None:
        raise UserError(f'"{name}" has no /proc; mount one in it')
    return f"{here.root}/{pid}/root/proc"


def pids_inside(here: Proc, namespace: str) -> dict[int, int]:
    """The processes of a PID namespace (`pid:[4026532177]`): pid there -> pid here.

    Those in namespaces nested in it are included. The answer is empty if the links cannot be read,
    or if the namespace is not below this one.
    """
    home = here.link("self/ns/pid")
    away: dict[int, tuple[str, tuple[int, ...], int]] = {}
    for pid in here.pids():
        link = here.link(f"{pid}/ns/pid")
        if link is None or link == home:
            continue
        status = Status(here.maybe(f"{pid}/status") or b"")
        if numbers := status.nspids:
            away[pid] = link, numbers, status.number(b"PPid") or 0
    level = next((len(numbers) for link, numbers, _ in away.values() if link == namespace), 0)

    def belongs(pid: int) -> bool:
        # A process in a nested namespace has an ancestor in the namespace that was asked for.
        while pid in away:
            link, numbers, parent = away[pid]
            if link == namespace:
                return True
            if len(numbers) <= level:
                return False
            pid = parent
        return False

    return {numbers[level - 1]: pid for pid, (_, numbers, _) in away.items() if belongs(pid)}


class Inside(Proc):
    """The /proc of a container, or a recorded one; `Process.hostpid` is the pid seen here."""

    def __init__(self, root: str, here: Proc | None = None) -> None:
        super().__init__(root)
        self.here = here or Proc()
        self.foreign = self.namespace not in (None, self.here.link("self/ns/pid"))

    @cached_property
    def namespace(self) -> str | None:
        """The PID namespace of this /proc; None if it is recorded or may not be read."""
        return self.link("1/ns/pid")

    @cached_property
    def _hosts(self) -> dict[int, int]:
        if self.namespace is None:
            return {}
        if not self.foreign:
            return {pid: pid for pid in self.here.pids()}
        return pids_inside(self.here, self.namespace)

    def hostpid(self, pid: int) -> int | None:
        return self._hosts.get(pid)

    def pids(self) -> list[int]:
        self.__dict__.pop("_hosts", None)  # each look reads them anew
        return super().pids()

    def snapshot(self, parts: Iterable[str] = (), pids: Iterable[int] | None = None) -> Snapshot:
        self.__dict__.pop("_hosts", None)
        return super().snapshot(parts, pids)


def look_into(root: str, container: str | None) -> Proc:
    """The /proc that --root or --container asks for. Raises UserError."""
    return Inside(root_of(container, Proc()) if container is not None else root)
