r"""Escape every text from outside (a name, an argument, a path), so that it drives no terminal.

Everything that is not a visible character is escaped, as `str.isprintable` tells: control
characters (C0, DEL, C1), line and paragraph separators, marks that change the direction of writing,
invisible characters, and lone surrogates, which stand for bytes that are not UTF-8.

For people a backslash stays as it is, so that a command reads as it was typed and a text that is
escaped twice stays the same. Therefore `\x1b` on a screen may also be four characters that somebody
typed. JSON tells the two apart.
Both programs use this module. It imports nothing.
"""

_BYTE = 0xDC00  # Python decodes a byte that is not UTF-8 to this plus its value: PEP 383


def escaped(text: str) -> str:
    r"""The text for people: `\n`, `\x1b`, `\u202e`; `\x80` to `\xff` are bytes, not characters."""
    if text.isprintable():
        return text
    return "".join([char if char.isprintable() else _escape(char) for char in text])


def json_escaped(text: str) -> str:
    r"""The same for the inside of a JSON string: `\n`, `\u001b`, `\u202e`, and `\"`, `\\`.

    Characters beyond U+FFFF stay as they are: none of them drives a terminal, and so no character
    takes more than six bytes.
    """
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return "".join(
        [
            short.get(char)
            or (char if char.isprintable() or char > "\uffff" else f"\\u{ord(char):04x}")
            for char in text
        ]
    )


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x80:
        return ascii(char)[1:-1]
    if _BYTE + 0x80 <= code <= _BYTE + 0xFF:
        return f"\\x{code - _BYTE:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
