"""A model string becomes a route."""
