"""The configuration: read, checked, watched."""
