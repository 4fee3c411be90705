"""The command line: one file per command, no logic; imports torch only when a command runs."""
