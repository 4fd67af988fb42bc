"""Agents at work: plan, loop, tools, events."""
