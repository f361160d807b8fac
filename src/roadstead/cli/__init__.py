"""The command line: one file a command or a group of them. They parse, call, and say what came of it."""
