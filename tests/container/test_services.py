"""Real services from Debian's packages as the main program of a container."""

import os
import signal

import pytest
from engines import Engine
from support import children, eventually

pytestmark = pytest.mark.every_form

TIMEOUT = 60  # seconds until the engine's KILL; a test that gets there has failed


def test_nginx_worker_is_replaced_and_quit_is_graceful(rootful: Engine) -> None:
    words = ["--rewrite", "TERM=QUIT", "--", "nginx", "-g", "daemon off; error_log stderr info;"]
    with rootful.container(*words) as container:
        container.wait_line("start worker process")
        master = container.main_pid
        [first, *_] = eventually(lambda: children(master), "workers")
        os.kill(first, signal.SIGKILL)
        container.wait_line("exited on signal 9")
        container.wait_line("start worker process")
        container.stop(TIMEOUT)
        assert container.wait() == 0
        assert "gracefully shutting down" in container.log()


def test_redis(rootful: Engine) -> None:
    with rootful.container("--", "redis-server", "--save", "") as container:
        container.wait_line("Ready to accept connections")
        assert container.exec("redis-cli", "ping").stdout == "PONG\n"
        container.stop(TIMEOUT)
        assert container.wait() == 0
        assert "Redis is now ready to exit" in container.log()


def test_postgres_fast_stop_with_a_client(rootful: Engine) -> None:
    """TERM would make the server wait for the client (smart), so it gets INT (fast)."""
    script = """
        cd /tmp && /usr/lib/postgresql/15/bin/initdb --no-sync --pgdata data >/dev/null
        exec /usr/lib/postgresql/15/bin/postgres -D data -k /tmp
    """
    words = ["--rewrite", "TERM=INT", "--", "sh", "-c", script]
    with rootful.container(*words, options=["--user", "postgres"]) as container:
        container.wait_line("ready to accept connections")
        ask = ["psql", "-h", "/tmp", "-d", "postgres", "-tAc"]
        assert container.exec(*ask, "select 6 * 7").stdout == "42\n"
        rootful("exec", "--detach", container.name, *ask, "select pg_sleep(1000)")
        eventually(
            lambda: "1" in container.exec(*ask, SLEEPERS).stdout.split(), "the client's query"
        )
        container.stop(TIMEOUT)
        assert container.wait() == 0
        assert "fast shutdown request" in container.log()


SLEEPERS = "select count(*) from pg_stat_activity where query = 'select pg_sleep(1000)'"


def test_gunicorn_with_eight_workers(rootful: Engine) -> None:
    """The init signals only the master: see the same service in tests/kernel/test_services.py."""
    application = "def app(environ, start):\n start('200 OK', [])\n return [b'up']\n"
    application += "print('loaded', flush=True)\n"
    words = [
        "--scope",
        "main",
        "--",
        "sh",
        "-c",
        f'echo "{application}" >/tmp/web.py; exec gunicorn "$@"',
        "sh",
    ]
    words += ["--bind=127.0.0.1:8080", "--workers=8", "--chdir=/tmp", "web:app"]
    with rootful.container(*words) as container:
        eventually(lambda: container.log().count("loaded") == 8, "eight workers")
        fetch = ["curl", "-fs", "--retry-connrefused", "--retry", "9", URL]
        assert container.exec(*fetch).stdout == "up"
        container.stop(TIMEOUT)
        assert container.wait() == 0
        assert "Shutting down: Master" in container.log()


URL = "http://127.0.0.1:8080/"


def test_cron_under_a_shell_script(rootful: Engine) -> None:
    job = "@reboot root sh -c 'sleep 0.1 & echo ran' >/proc/1/fd/1"
    script = f'echo "{job}" >/etc/cron.d/job; cron -f; echo "cron ended"'
    with rootful.container("-w", "-e", "stop", "--", "sh", "-c", script) as container:
        container.wait_lines("ran", "(sleep): exit code 0")
        container.stop(TIMEOUT)
        assert container.wait() == 0
