"""Execs a program with arguments and an environment of any bytes, however odd.

Standard input has them: {"argv": [hex, ...], "environ": [hex, ...]}
"""

import ctypes
import json
import sys

given = json.load(sys.stdin)


def block(words: list[str]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(words) + 1))(*map(bytes.fromhex, words), None)


argv = block(given["argv"])
ctypes.CDLL(None).execve(argv[0], argv, block(given["environ"]))
sys.exit("execve failed")
