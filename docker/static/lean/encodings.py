"""The codec registry of the one-file init: UTF-8, the one encoding it uses.

In the place of the standard package, whose table of aliases costs more than the rest of the start.
"""

import _codecs


class Info(tuple):
    """The codec registry's answer: a tuple of functions, with the rest as attributes."""

    name = "utf-8"


def search(name: str) -> Info | None:
    if name not in ("utf-8", "utf_8", "utf8"):
        return None
    return Info((_codecs.utf_8_encode, _codecs.utf_8_decode, None, None))


_codecs.register(search)
