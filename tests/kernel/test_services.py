"""Real services under the init as PID 1: they stop in peace, heal themselves, leave nothing."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from support import (
    Running,
    as_pid1,
    children,
    descendants,
    eventually,
    pid_inside,
    reaper,
    run,
    running,
    state,
)
from support import victim as small_program

pytestmark = pytest.mark.every_form


class Service(Running):
    """A service as main of the init, which is PID 1; both write `log`, the init also `trace`."""

    def __init__(self, started: Running, folder: Path) -> None:
        super().__init__(started.popen, namespaced=True)
        self.folder = folder

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def says(self, text: str) -> None:
        eventually(lambda: text in self.said(), f"{text!r} in the log")

    def workers(self) -> list[int]:
        return children(self.main_pid)

    def heals_after_loss_of(self, worker: int) -> None:
        """Kill a worker: main starts another one, and no zombie stays."""
        count = len(self.workers())
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: worker not in (now := self.workers()) and len(now) == count, "respawn")
        self.has_no_zombie()

    def has_no_zombie(self) -> None:
        eventually(lambda: not [pid for pid in descendants(self.pid) if state(pid) == "Z"])

    def ends_with(self, code: int) -> None:
        assert self.finish()[0] == code, self.said()

    def reaped(self, role: str = "orphan") -> dict[int, dict[str, Any]]:
        """The trace's `reap` events by pid; pids are the namespace's."""
        lines = map(json.loads, (self.folder / "trace").read_text().splitlines())
        return {e["pid"]: e for e in lines if e["event"] == "reap" and e["role"] == role}


@contextmanager
def service(folder: Path, options: list[str], *command: str) -> Iterator[Service]:
    line = reaper("--trace", str(folder / "trace"), *options, "--", *command)
    with (
        (folder / "log").open("wb") as log,
        # An IPC namespace of its own, so that a killed server leaves no shared memory either.
        running(as_pid1(line, "--ipc"), stdout=log, stderr=subprocess.STDOUT) as started,
    ):
        yield Service(started, folder)


def connect(path: Path) -> socket.socket:
    """A connection to a Unix socket, as soon as somebody listens."""
    client = socket.socket(socket.AF_UNIX)

    def try_it() -> bool:
        with suppress(FileNotFoundError, ConnectionRefusedError):
            client.connect(str(path))
            return True
        return False

    eventually(try_it, f"a listener on {path.name}")
    return client


def ask(client: socket.socket, target: str) -> None:
    client.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode())


def answer(client: socket.socket) -> bytes:
    """The rest of an HTTP answer, and the end of the connection."""
    with closing(client):
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def get(path: Path, target: str = "/") -> bytes:
    client = connect(path)
    ask(client, target)
    return answer(client).partition(b"\r\n\r\n")[2]


# -- nginx

NGINX = """
daemon off; user root; worker_processes 2; pid {folder}/pid; error_log stderr notice;
events {{}}
http {{
    access_log off; sendfile off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{ listen unix:{folder}/socket; root {folder}; }}
}}
"""
LARGE = 8 << 20  # bytes, far more than a socket buffers


@contextmanager
def nginx(folder: Path) -> Iterator[Service]:
    (folder / "conf").write_text(NGINX.format(folder=folder))
    (folder / "small").write_text("hello")
    (folder / "large").write_bytes(b"x" * LARGE)
    command = ["nginx", "-c", str(folder / "conf"), "-e", "stderr"]
    with service(folder, ["--rewrite", "TERM=QUIT"], *command) as started:
        assert get(folder / "socket", "/small") == b"hello"
        eventually(lambda: len(started.workers()) == 2)
        yield started


def test_nginx_finishes_its_requests_before_it_stops(tmp_path: Path) -> None:
    with nginx(tmp_path) as started:
        client = connect(tmp_path / "socket")
        ask(client, "/large")
        begin = client.recv(1)
        started.kill(signal.SIGTERM)
        started.says("gracefully shutting down")
        assert started.popen.poll() is None
        body = (begin + answer(client)).partition(b"\r\n\r\n")[2]
        assert len(body) == LARGE
        started.ends_with(0)
        assert "signal 3 (SIGQUIT) received" in started.said()
        assert not started.reaped()


def test_nginx_replaces_a_killed_worker(tmp_path: Path) -> None:
    with nginx(tmp_path) as started:
        started.heals_after_loss_of(started.workers()[0])
        assert get(tmp_path / "socket", "/small") == b"hello"
        started.kill(signal.SIGTERM)
        started.ends_with(0)


def test_nginx_with_a_killed_master_ends_the_container(tmp_path: Path) -> None:
    with nginx(tmp_path) as started:
        workers = started.workers()
        inside = {pid_inside(pid) for pid in workers}
        os.kill(started.main_pid, signal.SIGKILL)
        started.ends_with(128 + signal.SIGKILL)
        orphans = started.reaped()
        assert orphans.keys() == inside
        assert {orphan.get("code") for orphan in orphans.values()} == {0}  # none had to be killed
        assert {state(pid) for pid in workers} == {"X"}
        assert "not sent by us" in started.said()


# -- redis


@contextmanager
def redis(folder: Path) -> Iterator[tuple[Service, Callable[[str], str]]]:
    command = ["redis-server", "--port", "0", "--unixsocket", str(folder / "socket")]
    command += ["--dir", str(folder), "--save", "60 1"]
    with service(folder, [], *command) as started, connect(folder / "socket") as client:

        def call(line: str) -> str:
            client.sendall(f"{line}\r\n".encode())
            return client.recv(4096).decode()

        yield started, call


def test_redis_saves_its_data_when_told_to_stop(tmp_path: Path) -> None:
    with redis(tmp_path) as (started, call):
        assert call("SET answer 42") == "+OK\r\n"
        started.kill(signal.SIGTERM)
        started.ends_with(0)
        assert "User requested shutdown" in started.said()
        assert "bye bye" in started.said()
    with redis(tmp_path) as (started, call):
        assert call("GET answer") == "$2\r\n42\r\n"
        # A background save is a forked child of main, which redis itself waits for.
        assert call("BGSAVE").startswith("+Background saving started")
        started.says("Background saving terminated with success")
        started.has_no_zombie()
        started.kill(signal.SIGTERM)
        started.ends_with(0)
        assert not started.reaped()


# -- postgresql

AS_POSTGRES = (
    ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
    if os.geteuid() == 0
    else []
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A new database cluster that belongs to postgres, where postgres may go."""
    with tempfile.TemporaryDirectory(prefix="reaper-pg-") as name:
        folder = Path(name)
        if AS_POSTGRES:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        initdb = ["initdb", "--no-sync", "--auth=trust", "--username=postgres", f"{folder}/data"]
        code, _, err = run([*AS_POSTGRES, postgres_program(initdb.pop(0)), *initdb], cwd="/")
        assert code == 0, err
        yield folder


def postgres_program(name: str) -> str:
    """Debian keeps the server's programs out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name) or name


@contextmanager
def postgres(folder: Path, cluster: Path) -> Iterator[Service]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(cluster),
        "dynamic_shared_memory_type": "sysv",
        "fsync": "off",
        "autovacuum": "off",  # its workers come and go
    }
    words = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
    program = postgres_program("postgres")
    with service(folder, [], *AS_POSTGRES, program, "-D", f"{cluster}/data", *words) as started:
        started.says("ready to accept connections")
        yield started


class Client:
    """psql, asked one question at a time."""

    def __init__(self, psql: Running) -> None:
        self.psql = psql

    def ask(self, question: str) -> str:
        self.psql.type_line(question)
        return self.psql.line()


def psql(cluster: Path) -> list[str]:
    return [postgres_program("psql"), "-XAtq", "-h", str(cluster), "-U", "postgres", "postgres"]


def test_postgres_waits_for_its_client_when_told_to_stop(tmp_path: Path, cluster: Path) -> None:
    with postgres(tmp_path, cluster) as started, running(psql(cluster)) as session:
        client = Client(session)
        assert client.ask("select 6 * 7;") == "42"
        started.kill(signal.SIGTERM)
        started.says("received smart shutdown request")
        code, _, err = run([*psql(cluster), "-c", "select 1"])
        assert code == 2
        assert "the database system is shutting down" in err
        assert client.ask("select 'still ' || 'served';") == "still served"
        started.has_no_zombie()
        client.ask("\\q")
        started.ends_with(0)
        assert "database system is shut down" in started.said()
        assert not started.reaped()


def test_backends_of_a_killed_postmaster_are_reaped(tmp_path: Path, cluster: Path) -> None:
    with postgres(tmp_path, cluster) as started, running(psql(cluster)) as session:
        backend = int(Client(session).ask("select pg_backend_pid();"))
        inside = {pid_inside(pid) for pid in started.workers()}
        assert backend in inside
        os.kill(started.main_pid, signal.SIGKILL)
        started.ends_with(128 + signal.SIGKILL)
        orphans = started.reaped()
        assert orphans.keys() >= inside
        assert "SIGKILL" not in {orphan.get("signal") for orphan in orphans.values()}


# -- gunicorn

APP = '''
import os

print("app loaded", flush=True)  # by a worker, which hears its signals by then

def app(environ, start_response):
    """Answers with the worker's pid; under /slow when `gate` is opened."""
    if environ["PATH_INFO"] == "/slow":
        print("slow request begun", flush=True)
        open("gate").read()
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
'''
WORKERS = 8


@contextmanager
def gunicorn(folder: Path) -> Iterator[Service]:
    """gunicorn with --scope main, because only the master may signal its workers.

    A HUP would kill the workers. If a stop reached all at once, the master would log their ends in
    its handler of SIGCHLD while it logs its own end, which Python refuses ("reentrant call").
    """
    (folder / "web.py").write_text(APP)
    os.mkfifo(folder / "gate")
    command = [sys.executable, "-m", "gunicorn", "--bind", f"unix:{folder}/socket"]
    command += ["--chdir", str(folder), "--workers", str(WORKERS), "web:app"]
    with service(folder, ["--scope", "main"], *command) as started:
        hear(started, WORKERS)
        yield started


def hear(started: Service, loaded: int) -> None:
    """Wait until so many workers in all have loaded the application. Before that, a worker would
    lose a signal, because it still has the master's handlers."""
    eventually(lambda: started.said().count("app loaded") == loaded, f"{loaded} workers in all")


def test_gunicorn_finishes_its_requests_before_it_stops(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as started:
        client = connect(tmp_path / "socket")
        ask(client, "/slow")
        started.says("slow request begun")
        started.kill(signal.SIGTERM)
        started.says("Handling signal: term")
        (tmp_path / "gate").write_text("open")
        assert answer(client).startswith(b"HTTP/1.0 200 OK")
        started.ends_with(0)
        assert "Shutting down: Master" in started.said()
        assert not started.reaped()


def test_gunicorn_replaces_killed_and_outdated_workers(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as started:
        started.heals_after_loss_of(started.workers()[0])
        hear(started, WORKERS + 1)
        before = set(started.workers())
        started.kill(signal.SIGHUP)
        started.says("Handling signal: hup")
        eventually(
            lambda: len(now := set(started.workers())) == WORKERS and not now & before, "reload"
        )
        hear(started, 2 * WORKERS + 1)
        started.has_no_zombie()
        assert get(tmp_path / "socket").isdigit()
        started.kill(signal.SIGTERM)
        started.ends_with(0)
        assert not started.reaped()


def test_gunicorn_counts_its_workers_only_when_asked_itself(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as started:
        started.kill(signal.SIGTTIN)
        started.kill(signal.SIGTTOU)
        started.kill(signal.SIGUSR1)
        started.says("Handling signal: usr1")  # TTIN or TTOU would have been logged before that
        assert "Handling signal: tt" not in started.said()
        os.kill(started.main_pid, signal.SIGTTIN)
        hear(started, WORKERS + 1)
        assert len(started.workers()) == WORKERS + 1
        started.kill(signal.SIGTERM)
        started.ends_with(0)


# -- cron

# Only our own jobs: the machine's crontabs are out of sight in the test's mount namespace.
CRON = """#!/bin/sh
set -e
mount -t tmpfs none /run
mount -t tmpfs none /var/spool/cron
mount -t tmpfs none /etc/cron.d
mount --bind /dev/null /etc/crontab
mkdir -p /var/spool/cron/crontabs
cat >/etc/cron.d/jobs <<'JOBS'
MAILTO=""
@reboot root sh -c 'for n in 1 2 3 4 5 6 7; do /bin/true & done'; echo job done >>/proc/1/fd/1
JOBS
cron
exec tail -f /dev/null
"""


def test_cron_from_a_shell_script(tmp_path: Path) -> None:
    script = tmp_path / "entrypoint.sh"
    script.write_text(CRON)
    script.chmod(0o755)
    with service(tmp_path, ["--expect", "stop"], str(script)) as started:
        started.says("job done")
        eventually(lambda: len(children(started.pid)) == 2, "only main and cron are left")
        daemon = next(pid for pid in children(started.pid) if pid != started.main_pid)
        inside = pid_inside(daemon)
        started.kill(signal.SIGTERM)
        started.ends_with(0)
        orphans = started.reaped()
        assert orphans[inside]["name"] == "cron"
        assert orphans[inside]["signal"] == "SIGTERM"
        assert [orphan["name"] for orphan in orphans.values()].count("true") == 7


# -- a shell with a wrapper in the background


@pytest.mark.parametrize(("before", "code"), [("", 128 + signal.SIGTERM), ("exec ", 0)])
def test_wrapper_and_program_both_stop_in_peace(tmp_path: Path, before: str, code: int) -> None:
    names = ("wrapper", "program")
    wrapper, program = (" ".join(small_program("stops_when_told", name)) for name in names)
    with service(tmp_path, [], "sh", "-c", f"{wrapper} & {before}{program}") as started:
        for name in names:
            started.says(f"{name} ready")
        started.kill(signal.SIGTERM)
        started.ends_with(code)
        for name in names:
            assert f"{name} stopped" in started.said()
