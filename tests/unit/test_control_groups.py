"""The init reports the figures of its own control group, never those of the machine."""

import os
from pathlib import Path

import pytest

from reaper.init import surroundings

# Recorded control groups: what was read, and what is said at the end. {pid} is our own.
V1 = {"memory.limit_in_bytes": "9223372036854771712", "memory.max_usage_in_bytes": "4096",
      "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3"}  # fmt: skip
V2 = {"memory.max": "67108864", "memory.peak": "1048576", "memory.events": "oom 1\noom_kill 1",
      "pids.max": "max", "pids.peak": "7", "pids.events": "max 0"}  # fmt: skip
ROOT_V1 = {"release_agent": "", "cgroup.procs": "1\n2"}  # cgroup-v1/cgroups.rst: in the root only
ROOT_V2 = {"cgroup.procs": "1\n2", "cgroup.controllers": "memory pids", "memory.stat": "anon 1"}
OURS = {"cgroup.procs": "{pid}"}
PIDS_V1 = {"pids.max": "100", "pids.current": "3", "pids.peak": "5", "pids.events": "max 2"}
HYBRID = "9:name=systemd:/\n8:pids:/{0}\n4:memory:/{0}\n0::/\n"
SAID_V1 = "memory peak 4.0 KiB, oom kills 3"
SAID_V2 = "memory peak 1.0 MiB, pids peak 7, forks refused 0, oom kills 1"
CGROUPS: dict[str, tuple[dict[str, dict[str, str]], str, tuple[int | None, ...], str]] = {
    "v2, a cgroup namespace": ({"": V2 | OURS}, "0::/", (67108864, 1048576, 1), SAID_V2),
    "v2, the path is seen": ({"": ROOT_V2, "x/y": V2}, "0::/x/y", (67108864, 1048576, 1), SAID_V2),
    "v2, our group is mounted": ({"": V2 | OURS}, "0::/x/y", (67108864, 1048576, 1), SAID_V2),
    "v2, another group is mounted": ({"": V2}, "0::/x/y", (None,) * 3, ""),
    "v2, the machine's root": ({"": ROOT_V2}, "0::/", (None,) * 3, ""),
    "v2, no limit, an old kernel": (
        {"x": {"memory.max": "max", "memory.events": "oom 0\noom_kill 0"}},
        "0::/x",
        (None, None, 0),
        "oom kills 0",
    ),
    "v2, outside our namespace": ({"": ROOT_V2, "../x": V2}, "0::/../x", (None,) * 3, ""),
    "v1, the path is seen": (
        {"memory": ROOT_V1 | V1, "memory/docker/ab": V1, "pids": ROOT_V1,
         "pids/docker/ab": PIDS_V1},
        HYBRID.format("docker/ab"),
        (None, 4096, 3),
        "memory peak 4.0 KiB, pids peak 5, forks refused 2, oom kills 3",
    ),
    "v1, our group is mounted": (
        {"memory": V1 | OURS}, HYBRID.format("docker/ab"), (None, 4096, 3), SAID_V1,
    ),
    "v1, a cgroup namespace": ({"memory": V1 | OURS}, HYBRID.format(""), (None, 4096, 3), SAID_V1),
    "v1, a group that others are in, too": (
        {"memory/x": V1 | {"cgroup.procs": "1\n{pid}"}}, "4:memory:/x", (None, 4096, 3), "",
    ),
    "v2, the same": (
        {"x": V2 | {"cgroup.procs": "0\n{pid}"}}, "0::/x", (67108864, 1048576, 1), "",
    ),
    "v1, the machine's root": ({"memory": ROOT_V1 | V1, "pids": ROOT_V1}, HYBRID.format(""),
                               (None, 4096, 3), ""),
    "v1, a group that is not shown": ({"memory": ROOT_V1 | V1}, HYBRID.format("docker/ab"),
                                      (None,) * 3, ""),
    "hybrid, pids in the machine's root": (
        {"memory": ROOT_V1, "memory/x": V1, "pids": ROOT_V1, "unified": ROOT_V2},
        "8:pids:/\n4:memory:/x\n0::/\n", (None, 4096, 3), SAID_V1,
    ),
    "a line separator in a name": (
        {"a\u2028b\x0b": {"memory.max": "4096"}}, "3:pids:/a\u2028b\x0b\n0::/a\u2028b\x0b\n",
        (4096, None, None), "",
    ),
    "none": ({}, "", (None,) * 3, ""),
    "torn": ({"": {"memory.max": "torn", "memory.peak": ""}}, "0::/", (None,) * 3, ""),
}  # fmt: skip


@pytest.mark.parametrize(
    ("folders", "membership", "expected", "said"), CGROUPS.values(), ids=CGROUPS
)
def test_control_groups_of_both_versions(
    tmp_path: Path,
    folders: dict[str, dict[str, str]],
    membership: str,
    expected: tuple[int | None, ...],
    said: str,
) -> None:
    root = tmp_path / "cgroup"
    for folder, files in folders.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (root / folder / name).write_text(text.replace("{pid}", str(os.getpid())) + "\n")
    cgroup = surroundings.Cgroup(str(root), membership.encode())
    got = tuple(cgroup.value(name) for name in ("memory limit", "memory peak", "oom kills"))
    assert got == expected
    told = surroundings.at_end(cgroup, 2, 3)
    assert told == "adopted 2, reaped 3" + (f", {said}" if said else "")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("v2, a cgroup namespace", SAID_V2),
        ("v2, the path is seen", SAID_V2),
        ("v2, our group is mounted", SAID_V2),
        ("v2, the same", ""),
        ("v1, a cgroup namespace", SAID_V1),
        ("v1, our group is mounted", SAID_V1),
        ("v1, the path is seen", ""),
    ],
)
def test_a_pid1_is_alone_if_nobody_from_outside_can_be_in_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, said: str
) -> None:
    """v1 does not list processes from outside the PID namespace, v2 lists them as 0."""
    folders, membership, expected, _ = CGROUPS[case]
    for module in (os, surroundings.posix):
        monkeypatch.setattr(module, "getpid", lambda: 1)
    test_control_groups_of_both_versions(tmp_path, folders, membership, expected, said)


def test_limits_at_the_start_are_those_of_our_own_group(tmp_path: Path) -> None:
    for name, text in {"release_agent": "", **V1}.items():
        (tmp_path / "memory").mkdir(exist_ok=True)
        (tmp_path / "memory" / name).write_text(text)
    (tmp_path / "pids" / "x").mkdir(parents=True)
    (tmp_path / "pids" / "x" / "pids.max").write_text("100\n")
    cgroup = surroundings.Cgroup(str(tmp_path), b"4:memory:/\n3:pids:/x\n")
    said = surroundings.at_start(cgroup, True)
    assert "memory" not in said and said.endswith(", pids limit 100")
    assert surroundings.memory(cgroup) == "of the machine"
