"""Money: what may be spent."""
