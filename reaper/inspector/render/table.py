"""Tables: columns that know their value, unit and meaning, and rows that keep to a width.

Every view that prints rows uses this renderer. Pure: it returns lines and prints nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ...escape import escaped
from ..errors import UserError
from .style import KINDS, UNKNOWN, Value, cut, fill, paint, width

R = TypeVar("R")
GAP = " "
NARROWEST = 8  # a text column is never cut below this


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column. `name` is the word for -o and --sort, and the key in JSON."""

    name: str
    value: Callable[[R], Any]  # a Value in tables; the raw value in JSON and for sorting
    meaning: str
    kind: str = "text"  # of style.KINDS
    needs: tuple[str, ...] = ()  # of procfs.PARTS
    header: str = ""
    style: Callable[[Value], str | None] | None = None

    @property
    def title(self) -> str:
        """The heading of the column."""
        return self.header or self.name.upper()


def choose(columns: Sequence[Column[R]], names: str) -> list[Column[R]]:
    """The columns named in `pid,rss`. Raises UserError."""
    known = {column.name: column for column in columns}
    chosen = []
    for name in names.replace(",", " ").split():
        if name.lower() not in known:
            raise UserError(f'no column "{name}"; columns are: {", ".join(known)}')
        chosen.append(known[name.lower()])
    if not chosen:
        raise UserError(f"no column named; columns are: {', '.join(known)}")
    return chosen


def needs(columns: Iterable[Column[Any]]) -> tuple[str, ...]:
    """The parts of /proc that the columns read."""
    return tuple(dict.fromkeys(part for column in columns for part in column.needs))


def sort_columns(columns: Sequence[Column[R]], keys: str) -> list[tuple[str, Column[R]]]:
    """The keys that --sort names, each with its column."""
    words = [word for part in keys.split(",") for word in part.split() or [""]] if keys else []
    return [(word, choose(columns, word.lstrip("-"))[0]) for word in words]


def sort(rows: Iterable[R], columns: Sequence[Column[R]], keys: str) -> list[R]:
    """Sort rows by `rss` (upwards), `-rss` (downwards) or several keys. Unknown values are last."""
    result = list(rows)
    for key, column in reversed(sort_columns(columns, keys)):
        downwards = key.startswith("-")
        known = [(value, row) for row in result if (value := column.value(row)) is not None]
        unknown = [row for row in result if column.value(row) is None]
        known.sort(key=lambda pair: pair[0], reverse=downwards)
        result = [row for _, row in known] + unknown
    return result


def records(columns: Sequence[Column[R]], rows: Iterable[R]) -> list[dict[str, Any]]:
    """The rows for JSON: raw values, null for unknown."""
    return [{column.name: column.value(row) for column in columns} for row in rows]


def lines(  # noqa: PLR0913
    columns: Sequence[Column[R]],
    rows: Iterable[R],
    *,
    room: int | None = 80,
    headers: bool = True,
    exact: bool = False,
    colour: bool = False,
) -> list[str]:
    """The table as lines of at most `room` columns (None: as wide as the table gets).

    If it is too wide, its last text column is cut, then the one before, and so on. None is cut
    below NARROWEST; if that is not enough, the table stays too wide.
    """
    rows = list(rows)
    values = [[column.value(row) for row in rows] for column in columns]
    texts = [_cells(column, cells, exact) for column, cells in zip(columns, values, strict=True)]
    widths = [
        max((width(cell) for cell in cells), default=0)
        if not headers
        else max(width(column.title), *map(width, cells), 0)
        for column, cells in zip(columns, texts, strict=True)
    ]
    if room is not None:
        _shrink(columns, widths, room)
    layout = [
        _layout(column, cells, values[i] if colour else None, widths[i], i == len(columns) - 1)
        for i, (column, cells) in enumerate(zip(columns, texts, strict=True))
    ]
    body = [GAP.join(cells) for cells in zip(*layout, strict=True)]
    if not headers:
        return body
    titles = [
        fill(cut(column.title, room), room, KINDS[column.kind][2])
        for column, room in zip(columns, widths, strict=True)
    ]
    head = GAP.join(titles).rstrip()
    return [paint(head, "bold") if colour else head, *body]


def _cells(column: Column[R], values: list[Any], exact: bool) -> list[str]:
    if column.kind == "text":
        return [UNKNOWN if value is None else escaped(_text(value)) for value in values]
    human, raw, _ = KINDS[column.kind]
    write = raw if exact else human
    return [UNKNOWN if value is None else write(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _shrink(columns: Sequence[Column[R]], widths: list[int], room: int) -> None:
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - room
    for index in reversed(range(len(columns))):
        if excess > 0 and columns[index].kind == "text":
            narrower = max(min(NARROWEST, widths[index]), widths[index] - excess)
            excess -= widths[index] - narrower
            widths[index] = narrower


def _layout(
    column: Column[R], cells: list[str], values: list[Value] | None, room: int, last: bool
) -> list[str]:
    right = KINDS[column.kind][2]
    if column.kind == "text":
        cells = [cut(cell, room) for cell in cells]
    if not (last and not right):  # no blanks at the end of a line
        cells = [fill(cell, room, right) for cell in cells]
    if values is not None and column.style:
        return [paint(cell, column.style(v)) for cell, v in zip(cells, values, strict=True)]
    return cells
