"""Configs of other routers, read as they are."""
