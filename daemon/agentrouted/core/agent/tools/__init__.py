"""Tools of a run, wherever they come from."""
