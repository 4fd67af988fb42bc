"""What agentrouted does; knows no wire and no editor."""
