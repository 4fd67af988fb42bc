"""Tools of MCP servers; the only home of the `mcp` library."""
