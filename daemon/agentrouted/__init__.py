"""Model routing and agents for every editor and program."""
