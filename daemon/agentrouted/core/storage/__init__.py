"""The one database file, and who may write to it."""
