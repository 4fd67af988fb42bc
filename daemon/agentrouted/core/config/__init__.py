"""The configuration: read, checked, watched, never half applied."""
