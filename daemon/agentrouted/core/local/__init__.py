"""Models that run on this machine with no other software."""
