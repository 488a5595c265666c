"""The text of cells: units that people read, colours, and widths on a terminal."""

import time
from collections.abc import Callable

UNKNOWN = "–"
ELLIPSIS = "…"

Value = int | float | str | bool | None

STYLES = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34",
    "magenta": "35", "cyan": "36", "alarm": "1;31",
}  # fmt: skip

# Process states that deserve a look -> their style.
STATE_STYLES = {"Z": "red", "X": "red", "D": "yellow", "T": "magenta", "t": "magenta", "R": "green"}


def paint(text: str, style: str | None) -> str:
    """The text in a style of `STYLES`."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style else text


def state_style(value: Value) -> str | None:
    """The style of a cell that begins with a state letter."""
    return STATE_STYLES.get(str(value)[:1])


def size(value: float) -> str:
    """Bytes as people read them, at most five characters: 0, 512B, 4.0K, 812K, 1.5G."""
    if value == 0:
        return "0"
    amount = float(value)
    for unit in "BKMGTPE":
        if abs(amount) < 999.5:
            return (
                f"{amount:.1f}{unit}"
                if abs(amount) < 9.95 and unit != "B"
                else (f"{amount:.0f}{unit}")
            )
        amount /= 1024
    return f"{amount:.0f}Z"


def duration(seconds: float) -> str:
    """Seconds as people read them, at most six characters: 4s, 3m12s, 2h05m, 3d04h, 812d."""
    whole = int(seconds)
    for limit, big, small, marks in (
        (3600, 60, 1, "ms"),
        (86400, 3600, 60, "hm"),
        (100 * 86400, 86400, 3600, "dh"),
    ):
        if whole < 60:
            return f"{whole}s"
        if whole < limit:
            return f"{whole // big}{marks[0]}{whole % big // small:02}{marks[1]}"
    return f"{whole // 86400}d"


def cpu(seconds: float) -> str:
    """CPU time as people read it: 0.03s, 12.5s; from a minute on as `duration`."""
    if seconds < 60:
        return f"{seconds:.2f}s" if seconds < 10 else f"{seconds:.1f}s"
    return duration(seconds)


def moment(seconds: float) -> str:
    """Seconds since the epoch in local time: 17:05:09 if less than a day away, else 2026-11-25."""
    near = abs(time.time() - seconds) < 86400
    return time.strftime("%H:%M:%S" if near else "%Y-%m-%d", time.localtime(seconds))


# kind of column -> (how a value is written, how with --bytes, whether it is aligned to the right)
KINDS: dict[str, tuple[Callable[[float], str], Callable[[float], str], bool]] = {
    "text": (str, str, False),
    "integer": (str, str, True),
    "bytes": (size, str, True),
    "seconds": (duration, duration, True),
    "cpu": (cpu, cpu, True),
    "time": (moment, moment, True),
    "percent": ("{:.1f}".format, "{:.1f}".format, True),
}


def width(text: str) -> int:
    """How many columns the text takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # noqa: PLC0415

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, room: int) -> str:
    """The text in at most `room` columns; it ends in a mark if something was cut off."""
    if width(text) <= room:
        return text
    while text and width(text) > room - 1:
        text = text[: min(len(text) - 1, room - 1)]
    return text + ELLIPSIS if room > 0 else ""


def fill(text: str, room: int, right: bool = False) -> str:
    """The text, padded with blanks to `room` columns."""
    blanks = " " * (room - width(text))
    return blanks + text if right else text + blanks
