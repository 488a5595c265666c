"""The demo, whole and small: what it promises is what it shows, and it can fail."""

import json
import sys
from pathlib import Path

from support import REPO, run

DEMO = [sys.executable, "-m", "reaper.demo", "--zombies", "25", "--rate", "100"]


def test_it_shows_the_leak_and_the_cure(tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    code, out, err = run([*DEMO, "--chart", str(chart)], cwd=REPO)
    assert (code, err) == (0, "")
    assert "PID 1 that never waits: 25 of 25 orphans are zombies and stay so." in out
    assert "reaper: adopted 25 and reaped 25 of 25, 0 zombies remaining" in out
    assert out.endswith("Verdict: as promised.\n")
    assert chart.read_text().startswith("<svg")


def test_json() -> None:
    code, out, _ = run([*DEMO, "--json"], cwd=REPO)
    told = json.loads(out)
    assert code == 0
    assert (told["facts"]["leaky_remaining"], told["facts"]["clean_remaining"]) == (25, 0)


def test_bad_input_and_a_missing_tool() -> None:
    assert run([*DEMO, "--zombies", "none"], cwd=REPO)[0] == 2
    code, _, err = run(DEMO, cwd=REPO, env={"PATH": "/nowhere"})
    assert (code, err) == (2, "reaper.demo: unshare is not there: install util-linux\n")
