"""The address space of one process, from high to low, each region with size, RSS, PSS and rights.

The bar shows the size of a region: it gets one block longer when the size is four times as large.
The dark part of the bar is resident. A gap is a range of addresses that nothing uses.

Examples:
  reaperctl maps 1                      the whole picture
  reaperctl maps 1 --kind heap,anonymous
  reaperctl maps 1 --sort -rss -o size,rss,kind,path    the regions that hold the most memory
"""

import argparse
from dataclasses import dataclass

from ..answers.memory import KINDS, classify
from ..arguments import number
from ..errors import UserError
from ..reading.files import Region, parse_smaps
from ..render.style import size
from ..render.table import Column
from ..view import NOTHING, View, add_table_options

STYLES = {
    "text": "cyan", "data": "blue", "bss": "blue", "heap": "green", "anonymous": "green",
    "libraries": "dim", "files": "yellow", "shared": "magenta", "stack": "red",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A region with its kind, or a gap, whose kind is `gap`."""

    region: Region
    kind: str

    @property
    def bar(self) -> str:
        """One block for a page, one more for each factor of four; the resident share is dark."""
        length = max(1, ((self.region.size // 4096).bit_length() + 1) // 2)
        if self.kind == "gap":
            return "·"
        memory = self.region.memory
        dark = -(-length * memory.rss // self.region.size) if memory else 0
        return "█" * dark + "░" * (length - dark)


def _of_memory(name: str, meaning: str) -> Column[Row]:
    return Column(name, lambda row: getattr(row.region.memory, name, None), meaning, kind="bytes")


COLUMNS: tuple[Column[Row], ...] = (
    Column("start", lambda row: f"{row.region.start:012x}", "first address, hexadecimal"),
    Column("end", lambda row: f"{row.region.end:012x}", "the address after the last"),
    Column("perm", lambda row: row.region.permissions, "r w x, p private or s shared"),
    Column("size", lambda row: row.region.size, "virtual size", "bytes"),
    _of_memory("rss", "resident"),
    _of_memory("pss", "resident, shared pages divided by their sharers"),
    _of_memory("uss", "resident, not shared"),
    _of_memory("swap", "swapped out"),
    Column("kind", lambda row: row.kind, "one of: " + ", ".join(KINDS) + "; gap",
           style=lambda kind: STYLES.get(str(kind))),
    Column("bar", lambda row: row.bar, "size, and how much of it is resident", header="RESIDENT"),
    Column("path", lambda row: row.region.path, "file, or the kernel's name for it"),
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", type=number, metavar="PID")
    parser.add_argument("--kind", metavar="KINDS", help="only these kinds: heap,stack")
    add_table_options(parser, COLUMNS, "start,perm,size,rss,pss,kind,bar,path")


def run(view: View) -> int:
    options = view.options
    kinds, shown = _kinds(options.kind), view.columns(COLUMNS)
    rows = regions(view, options.pid)
    if kinds:
        rows = [row for row in rows if row.kind in kinds]
    elif not (options.sort or view.json):
        rows = with_gaps(rows)
    view.table(COLUMNS, shown, rows)
    return NOTHING


def _kinds(words: str | None) -> set[str]:
    kinds = set((words or "").split(",")) - {""}
    if unknown := kinds - set(KINDS):
        raise UserError(f'no kind "{min(unknown)}"; kinds are: {", ".join(KINDS)}')
    return kinds


def regions(view: View, pid: int) -> list[Row]:
    """The regions of a process, from high to low."""
    view.process(pid)  # raises UserError if there is none
    try:
        regions = parse_smaps(view.proc.read(f"{pid}/smaps"))
    except PermissionError:
        raise UserError(f"process {pid}: no permission for its map; try it as root") from None
    except OSError:
        regions = []
    if not regions:
        view.note(f"process {pid} has no memory: it is a zombie or a kernel thread")
    kinds = classify(regions, view.proc.link(f"{pid}/exe"))
    return [Row(*pair) for pair in zip(regions, kinds, strict=True)][::-1]


def with_gaps(rows: list[Row]) -> list[Row]:
    """The rows, and one more row for every gap below a region."""
    result = []
    below = [row.region.end for row in rows[1:]] + [0]
    for row, end in zip(rows, below, strict=False):
        result.append(row)
        if hole := row.region.start - end:
            result.append(Row(Region(end, row.region.start, "", f"({size(hole)})", None), "gap"))
    return result
