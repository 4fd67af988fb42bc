"""What `agentrouted memory` does, by what it is about."""
