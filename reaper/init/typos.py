"""Variables that look like one of an option's, misspelt. Loaded only when there may be one."""

from reaper.init.options import TABLE

LETTERS = 2  # how many of them may be wrong


def explain(suspects: list[bytes]) -> list[str]:
    """A sentence for each name that is within `LETTERS` of an option's variable."""
    said = []
    for name in suspects:
        distance, option = min(
            ((_distance(name.upper(), option.variable.encode()), option) for option in TABLE),
            key=lambda pair: pair[0],
        )
        if distance <= LETTERS:
            wrong = name.decode(errors="surrogateescape")
            meant = f"did you mean {option.variable}, for --{option.name}?"
            said.append(f"{wrong} is not a variable of reaper: {meant}")
    return said


def _distance(one: bytes, other: bytes) -> int:
    """How many letters to insert, remove or replace (Levenshtein); not exact above `LETTERS`."""
    if abs(len(one) - len(other)) > LETTERS:
        return LETTERS + 1
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, another in enumerate(other, 1):
            change = diagonal + (letter != another)
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, change)
    return row[-1]
