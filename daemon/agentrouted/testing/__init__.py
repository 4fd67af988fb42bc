"""Tools for tests, shipped for whoever tests against us."""
