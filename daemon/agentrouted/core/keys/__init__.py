"""Keys that are fetched when a call needs them."""
