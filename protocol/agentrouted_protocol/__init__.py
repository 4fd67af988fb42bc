"""The contract of agentrouted: what may cross the wire."""
