"""One file a namespace, a few lines a method."""
