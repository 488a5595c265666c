"""The demo, whole and small: what it promises is what it shows, and it can fail."""

import json
import os
from pathlib import Path

import pytest
from support import PYTHON, REPO, run

DEMO = [PYTHON, "-m", "reaper.demo"]
SMALL = [*DEMO, "--zombies", "25", "--rate", "100"]
STUCK = "cannot fork: Resource temporarily unavailable"


def test_it_shows_the_leak_and_the_cure(tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    code, out, err = run([*SMALL, "--chart", str(chart)], cwd=REPO)
    assert (code, err) == (0, "")
    assert "PID 1 that never waits: 25 of 25 orphans are zombies and stay so.\n" in out
    assert "reaper: adopted 25 and reaped 25 of 25, 0 zombies remaining" in out
    assert out.endswith("Verdict: as promised.\n")
    assert chart.read_text().startswith("<svg")


def test_json() -> None:
    code, out, _ = run([*SMALL, "--json"], cwd=REPO)
    told = json.loads(out)
    assert code == 0
    assert (told["facts"]["leaky_remaining"], told["facts"]["clean_remaining"]) == (25, 0)


# In each place the demo finds another way to a limit: a cgroup, what is left if cgroups are hidden,
# a user namespace.
PLACES = {
    "root": [],
    "no cgroups": ["unshare", "--mount", "sh", "-c",
                   'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "sh"],
    "a user": ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"],
}  # fmt: skip
NEW = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 14)


@pytest.mark.parametrize("place", PLACES)
def test_the_leaking_side_reaches_its_limit_and_the_other_goes_on(place: str) -> None:
    big = [*DEMO, "--limit", "350", "--zombies", "500", "--rate", "1000"]
    code, out, err = run([*PLACES[place], *big], cwd=REPO)
    assert (code, err) == (0, ""), out
    assert "reaper: adopted 500 and reaped 500 of 500, 0 zombies remaining" in out
    limited = "Each side may have 350 processes: " in out
    assert limited or (place == "no cgroups" and not NEW)
    assert limited == (f"are zombies and stay so; {STUCK}.\n" in out)
    assert limited != ("No limit on processes can be set" in out)
    assert not list(Path("/sys/fs/cgroup").glob("*/reaper-demo-*"))
    assert not list(Path("/sys/fs/cgroup").glob("reaper-demo-*"))


def test_bad_input_and_a_missing_tool() -> None:
    assert run([*DEMO, "--zombies", "none"], cwd=REPO)[0] == 2
    assert run([*DEMO, "--limit", "300"], cwd=REPO)[0] == 2
    code, _, err = run(DEMO, cwd=REPO, env={"PATH": "/nowhere"})
    assert (code, err) == (2, "reaper.demo: unshare is not installed: install util-linux\n")
