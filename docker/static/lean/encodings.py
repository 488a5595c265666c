"""The codec registry of the one-file init: UTF-8, the one encoding it uses.

In the place of the standard package, whose table of aliases costs more than the rest of the start.
"""

import _codecs


class Encoder:
    """What a text stream wants of an incremental encoder."""

    def __init__(self, errors: str = "strict") -> None:
        self.errors = errors

    def encode(self, text: str, final: bool = False) -> bytes:
        return _codecs.utf_8_encode(text, self.errors)[0]

    def setstate(self, state: int) -> None:
        """UTF-8 has no state."""


class Decoder:
    """What a text stream wants of an incremental decoder. The init never reads from one."""

    def __init__(self, errors: str = "strict") -> None:
        self.errors = errors

    def decode(self, data: bytes, final: bool = False) -> str:
        return _codecs.utf_8_decode(data, self.errors, True)[0]


class Info(tuple):
    """The codec registry's answer: a tuple of functions, with the rest as attributes."""

    name = "utf-8"
    _is_text_encoding = True
    incrementalencoder = Encoder
    incrementaldecoder = Decoder


def search(name: str) -> Info | None:
    if name not in ("utf-8", "utf_8", "utf8"):
        return None
    return Info((_codecs.utf_8_encode, _codecs.utf_8_decode, None, None))


_codecs.register(search)
