"""The codec registry of the one-file init. It knows UTF-8, the only encoding that the init uses.

It replaces the standard package, whose table of aliases costs more than the rest of the start.
"""

import _codecs


class Info(tuple):
    """What a search of the codec registry returns: a tuple of functions, with a name."""

    name = "utf-8"


def search(name: str) -> Info | None:
    if name not in ("utf-8", "utf_8", "utf8"):
        return None
    return Info((_codecs.utf_8_encode, _codecs.utf_8_decode, None, None))


_codecs.register(search)
