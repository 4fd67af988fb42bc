"""What agentrouted does; knows no wire, no editor, no HTTP server."""
