#!/usr/bin/env python3
"""Fill the manual pages from the programs' own tables. Run `make man` after a change to a table.

A page is written by hand, in mdoc(7). Only the lines between `.\\" begin NAME` and `.\\" end` are
generated: the function of that NAME in `BLOCKS` makes them.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from textwrap import wrap

REPO = Path(__file__).resolve().parent.parent
PAGES = sorted((REPO / "docs" / "man").glob("*.[1-9]"))
BLOCK = re.compile(r'(?<=^\.\\" begin )(\w+)\n.*?(?=^\.\\" end$)', re.MULTILINE | re.DOTALL)

sys.path.insert(0, str(REPO))
from reaper import events, signals, status  # noqa: E402
from reaper.init import options as init  # noqa: E402
from reaper.inspector import cli  # noqa: E402
from reaper.inspector.commands import COMMANDS  # noqa: E402


def text(words: str) -> list[str]:
    """Lines of running text. Each sentence begins a new line, and roff acts on nothing in them."""
    words = words.replace("\\", r"\e")
    lines = [
        line
        for sentence in re.split(r"(?<=[a-z)]\.) (?=[A-Z])", words)
        for line in wrap(sentence, 78, break_long_words=False, break_on_hyphens=False)
    ]
    return [rf"\&{line}" if line.startswith((".", "'")) else line for line in lines]


def items(rows: Iterable[tuple[str, list[str]]], kind: str) -> list[str]:
    """A list of items. Each row is the head of an item, in mdoc, and the lines of its body."""
    lines = [f".Bl {kind}"]
    for head, body in rows:
        lines += [f".It {head}", *body]
    return [*lines, ".El"]


def flags(names: Iterable[str], value: str) -> str:
    """`-o , --columns COLUMNS` in mdoc."""
    return " , ".join(f"Fl {name[1:]}" for name in names) + (f" Ar {value}" if value else "")


# -- reaper


def options() -> list[str]:
    def rows() -> Iterator[tuple[str, list[str]]]:
        for option in init.TABLE:
            letter = [f"-{option.letter}"] if option.letter else []
            yield flags([*letter, f"--{option.name}"], option.metavar), text(option.help)

    return items(rows(), "-tag -width Ds")


def variables() -> list[str]:
    return items(
        ((f"Ev {o.variable}", [f".Fl -{o.name}"]) for o in init.TABLE),
        "-tag -width REAPER_PARENT_DEATH -compact",
    )


def actions() -> list[str]:
    def rows() -> Iterator[tuple[str, list[str]]]:
        for action, meaning in signals.MEANING.items():
            names = [name for name, does, _ in signals.POLICY if does == action]
            if action == signals.FORWARD:
                names.append(f"SIGRTMIN to SIGRTMAX ({signals.REALTIME_REASON})")
            yield f"Sy {action}", text(f"{meaning}: {', '.join(names)}.")

    return items(rows(), "-tag -width Ds")


def codes() -> list[str]:
    rows = {
        str(status.OWN_FAILURE): "The init itself failed, or its command line is wrong.",
        str(status.CANNOT_EXECUTE): "The program is there but cannot be executed.",
        str(status.NOT_FOUND): "The program or its interpreter is not there.",
        f"{status.SIGNAL_BASE}+n": "Signal n killed the program.",
    }
    return items(
        ((f"Er {code}", text(said)) for code, said in rows.items()), "-tag -width 128+n -compact"
    )


def levels() -> list[str]:
    return text(f"{', '.join(init.LEVELS)}.")


def log() -> list[str]:
    return items(
        ((f"Li {event}", text(meaning)) for event, meaning in events.LOG_EVENTS.items()),
        "-tag -width signal_received -compact",
    )


def trace() -> list[str]:
    def rows() -> Iterator[tuple[str, list[str]]]:
        for event, (always, known) in events.EVENTS.items():
            said = [", ".join(always), f"if known: {', '.join(known)}" if known else ""]
            fields = "; ".join(filter(None, said))
            yield f"Ic {event}", text(f"{events.WHEN[event]}. Fields: {fields}.")

    return items(rows(), "-tag -width continue -compact")


def fields() -> list[str]:
    return items(
        (
            (f"Va {name}", text(f"{kind}: {meaning}"))
            for name, (kind, meaning) in events.FIELDS.items()
        ),
        "-tag -width sender_name -compact",
    )


# -- reaperctl


def _groups(command: str) -> dict[str, list[argparse.Action]]:
    """The option groups of a command by title. argparse's own two groups have the empty title."""
    parsers = next(a for a in cli.build(command)._actions if a.dest == "command").choices
    assert isinstance(parsers, dict)
    parser = parsers[command]
    by_title: dict[str, list[argparse.Action]] = {"": []}
    for group in parser._action_groups:
        own = group in (parser._positionals, parser._optionals)
        actions = [a for a in group._group_actions if a.dest != "help" and a.metavar != "COMMAND"]
        by_title.setdefault("" if own else group.title or "", []).extend(actions)
    return by_title


def _action(action: argparse.Action, said: str) -> tuple[str, list[str]]:
    value = action.metavar or "|".join(action.choices or ()) or action.dest.upper()
    if not action.option_strings:
        return f"Ar {value}", text(said)
    return flags(action.option_strings, "" if action.nargs == 0 else str(value)), text(said)


def _help(action: argparse.Action) -> str:
    return action.help or "the process"


def commands() -> list[str]:
    def rows() -> Iterator[tuple[str, list[str]]]:
        for name, summary in COMMANDS.items():
            own = _groups(name)[""]
            shown = (_action(action, _help(action)) for action in own)
            listed = items(shown, "-tag -width Ds -compact") if own else []
            yield f"Cm {name}", [*text(f"{summary[0].upper()}{summary[1:]}."), *listed]

    return items(rows(), "-tag -width Ds")


def shared() -> list[str]:
    """The groups of options that several commands share, and which commands have them."""
    users: dict[str, list[str]] = {}
    groups: dict[str, dict[str, argparse.Action]] = {}
    for command in COMMANDS:
        for title, group in _groups(command).items():
            users.setdefault(title, []).append(command)
            groups.setdefault(title, {}).update({action.dest: action for action in group})
    lines: list[str] = []
    for title, group in groups.items():
        if title:
            where = "Every command" if len(users[title]) == len(COMMANDS) else None
            lines += [f".Ss {title[0].upper()}{title[1:]}", *text(where or ", ".join(users[title]))]
            lines[-1] += ":"
            # The default is cut off, because it differs from command to command.
            rows = (_action(a, re.sub(r" \([\w,-]+\)$", "", _help(a))) for a in group.values())
            lines += items(rows, "-tag -width Ds -compact")
    return lines


BLOCKS: dict[str, Callable[[], list[str]]] = {
    block.__name__: block
    for block in (options, variables, actions, codes, levels, log, trace, fields, commands, shared)
}


def fill(page: str) -> str:
    """The page, with every block made anew from the tables."""
    return BLOCK.sub(lambda match: "\n".join([match[1], *BLOCKS[match[1]](), ""]), page)


def main() -> None:
    for page in PAGES:
        page.write_text(fill(page.read_text()))


if __name__ == "__main__":
    main()
