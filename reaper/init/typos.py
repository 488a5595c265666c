"""Find environment variables whose name looks like a misspelt variable of an option."""

from reaper.init.options import TABLE

LETTERS = 2  # how many letters may be wrong
_OPTIONS = {option.variable.encode(): option for option in TABLE}
# If only two letters of a name are wrong, one of these pieces or the end of the name is right.
_PIECES = (b"REA", b"PER_")
_ENDINGS = tuple(name.removeprefix(b"REAPER_") for name in _OPTIONS)
# Kubernetes makes names with these parts from the names of services.
_OF_SERVICES = (b"_PORT", b"_SERVICE_")


def find(environ: dict[bytes, bytes]) -> list[str]:
    """A sentence for each variable whose name is within `LETTERS` of an option's."""
    said = []
    for name in filter(_is_suspect, environ):
        distance, meant = min((_distance(name.upper(), known), known) for known in _OPTIONS)
        if distance <= LETTERS:
            wrong = name.decode(errors="surrogateescape")
            right = f"{meant.decode()}, for --{_OPTIONS[meant].name}"
            said.append(f"{wrong} is not a variable of reaper: did you mean {right}?")
    return said


def _is_suspect(name: bytes) -> bool:
    """A quick first check, as there may be hundreds of variables. Most that pass are no typos."""
    if name in _OPTIONS or any(part in name for part in _OF_SERVICES):
        return False
    return name.upper().endswith(_ENDINGS) or any(piece in name.upper() for piece in _PIECES)


def _distance(one: bytes, other: bytes) -> int:
    """How many letters to insert, remove or replace (Levenshtein); `LETTERS` + 1 if it is more.

    Only cells near the diagonal of the table can be that low, so no others are filled in. Once all
    cells of a row are higher, the answer is known: for most names after a few letters.
    """
    far = LETTERS + 1
    if abs(len(one) - len(other)) > LETTERS:
        return far
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i] + [far] * len(other)
        for j in range(max(1, i - LETTERS), min(len(other), i + LETTERS) + 1):
            change = above[j - 1] + (letter != other[j - 1])
            row[j] = min(above[j] + 1, row[j - 1] + 1, change)
        if min(row) > LETTERS:
            return far
    return min(far, row[-1])
