"""The commands of reaperctl, one module each. `inspector.view` says how to add one.

They are listed in a table, so that a command's module is imported only when the command runs.
"""

# command -> what it shows, as `reaperctl --help` says it
COMMANDS = {
    "doctor": "what is wrong, whose fault it is, what to do",
    "ps": "processes: ids, state, memory, age, command",
    "tree": "who started whom; adopted orphans and zombies marked",
    "states": "how many processes are in each state, and what that means",
    "show": "the anatomy of one process",
    "maps": "the address space of one process as a picture",
    "mem": "VSS, RSS, PSS, USS, and what is counted twice",
    "top": "live: CPU, memory, states, zombies, reaps per second",
    "zombies": "zombies by the parent at fault, and why",
    "kill": "TERM, a wait, KILL: by pid, group, session, tree or name",
    "metrics": "counts for Prometheus: states, zombies by parent, reaps",
    "completion": "the completion script for bash, zsh or tcsh",
}
