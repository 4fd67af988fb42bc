"""The database of the daemon."""
