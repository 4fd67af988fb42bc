"""The Python door: agents of a program, in its own process."""
