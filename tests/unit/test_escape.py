"""No text from outside drives a terminal, in any output of the two programs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reaper.escape import escaped, json_escaped
from reaper.init.jsonlines import to_json

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
DRIVES = [
    *map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xA0)), "\u2028", "\u2029", *BIDI,
    "\ud800", "\udbff", "\udc00", "\udc80", "\udcff", "\udfff",
]  # fmt: skip

# What people read.
TEXTS = {
    "nginx: master": "nginx: master",
    "été 漢字 👍": "été 漢字 👍",
    "sed s/\\n/x/": "sed s/\\n/x/",
    "a\n\r\tb": "a\\n\\r\\tb",
    "\0\x1b[2J\x7f": "\\x00\\x1b[2J\\x7f",
    "\x9b31m": "\\u009b31m",
    "\udc9b31m\udcff": "\\x9b31m\\xff",
    "txt.\u202eexe": "txt.\\u202eexe",
    "a\u2028b\u2029": "a\\u2028b\\u2029",
    "\u200b\ufeff\xad": "\\u200b\\ufeff\\u00ad",
    "\ud800\U000e0041": "\\ud800\\U000e0041",
}


@pytest.mark.parametrize("char", DRIVES, ids=ascii)
def test_what_drives_a_terminal_is_escaped(char: str) -> None:
    for text in (escaped(f"a{char}b"), json_escaped(f"a{char}b"), to_json(f"a{char}b")):
        assert text.isprintable() and char not in text


@pytest.mark.parametrize(("text", "shown"), TEXTS.items())
def test_texts_for_people(text: str, shown: str) -> None:
    assert escaped(text) == shown


@given(st.text(st.characters()))
def test_escaping_twice_changes_nothing(text: str) -> None:
    shown = escaped(text)
    assert shown.isprintable() and escaped(shown) == shown


@given(st.text(st.characters()))
def test_json_gives_the_text_back(text: str) -> None:
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(to_json({"name": text}))["name"] == joined


@given(st.characters())
def test_json_takes_six_bytes_for_a_character_at_most(char: str) -> None:
    assert len(json_escaped(char).encode()) <= 6
