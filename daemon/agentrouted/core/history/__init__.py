"""Conversations made shorter, and made fit to be sent."""
