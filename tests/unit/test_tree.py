"""The forest: several roots, orphans, and snapshots that contradict themselves."""

from pathlib import Path

from ctl import reaperctl, rows

ODD = str(Path(__file__).parent.parent / "data" / "proc" / "odd" / "proc")


def test_the_drawn_forest() -> None:
    code, out, err = reaperctl("tree", "--root", ODD, "-o", "pid,command", "--no-headers")
    assert (code, err) == (0, "")
    assert (
        out
        == """\
 1 /opt/reaper/reaper -- app
 7 ├─app --flag  last
 8 │ ├─[a b) (c) S 99]
 9 │ ├─two\\nlines \\xff\\xfe
10 │ └─[gone] (zombie)
21 ├─orphan (adopted)
31 ├─younger (adopted)
60 └─ok (adopted)
 2 [kthreadd]
11 └─[kworker/0:1-events]
20 sh
30 reused
40 a
41 └─b
"""
    )


def test_no_process_is_lost_and_none_is_twice() -> None:
    pids = [row["pid"] for row in rows("tree", "--root", ODD)]
    assert sorted(pids) == sorted(row["pid"] for row in rows("ps", "--root", ODD))
    assert len(pids) == len(set(pids))


def test_siblings_are_sorted() -> None:
    out = reaperctl("tree", "7", "--root", ODD, "-o", "pid", "--no-headers", "--sort", "-pid")[1]
    assert out.split() == ["7", "10", "9", "8"]


def test_a_subtree_knows_its_depth_and_who_was_adopted() -> None:
    found = {row["pid"]: (row["depth"], row["adopted"]) for row in rows("tree", "--root", ODD)}
    assert found[1] == (0, False) and found[8] == (2, False)
    assert found[21] == (1, True)  # it is in the session of 20, but its parent is 1
    assert found[7] == (1, False)  # the init's first child is its main program
