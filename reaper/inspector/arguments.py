"""What argparse takes for a number and for a time: types that more than one room needs."""

import argparse
from collections.abc import Callable


def seconds(least: float = 0, most: float = 1e6) -> Callable[[str], float]:
    """Make an argparse type that takes a number of seconds."""

    def parse(word: str) -> float:
        try:
            value = float(word)
        except ValueError:
            value = -1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f'"{word}" is not a number of seconds from {least:g} to {most:g}'
            )
        return value

    return parse


def number(word: str) -> int:
    """An argparse type: it takes a number from 0 on."""
    if not (word.isascii() and word.isdigit()):
        raise argparse.ArgumentTypeError(f'"{word}" is not a number')
    return int(word)
