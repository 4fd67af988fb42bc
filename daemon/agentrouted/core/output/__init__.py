"""Structured output: how it is asked for, and read."""
