"""Runs, written down as they go."""
