"""Finding by meaning, where the config asks for it."""
