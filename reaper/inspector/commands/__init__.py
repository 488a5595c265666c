"""The commands of reaperctl, one module each; `inspector.view` says how one is added.

This table is the list: a command's module is imported only when it runs.
"""

# command -> what it shows, as `reaperctl --help` says it
COMMANDS = {
    "ps": "processes: ids, state, memory, age, command",
}
