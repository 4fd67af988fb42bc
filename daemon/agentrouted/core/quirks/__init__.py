"""Where servers differ from what their format documents."""
