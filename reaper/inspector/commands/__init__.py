"""The commands of reaperctl, one module each; `inspector.view` says how one is added.

This table is the list: a command's module is imported only when it runs.
"""

# command -> what it shows, as `reaperctl --help` says it
COMMANDS = {
    "doctor": "what is wrong, whose fault it is, what to do",
    "ps": "processes: ids, state, memory, age, command",
    "tree": "who started whom; adopted orphans and zombies marked",
    "states": "how many are in each state, and what that means",
    "show": "the anatomy of one process",
    "maps": "the address space of one process as a picture",
    "mem": "VSS, RSS, PSS, USS, and what is counted twice",
    "top": "live: CPU, memory, states, zombies, reaps per second",
    "zombies": "zombies by the parent at fault, and why",
    "kill": "TERM, a wait, KILL: pids, groups, sessions, trees, names",
    "metrics": "counts for Prometheus: states, zombies by parent, reaps",
    "completion": "the completion script of bash, zsh or tcsh",
}
