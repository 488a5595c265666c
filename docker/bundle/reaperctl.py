from reaper.inspector.cli import console

console()
