"""The command line: picks a door, or is a client of one."""
