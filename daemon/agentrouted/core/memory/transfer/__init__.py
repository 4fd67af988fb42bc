"""Memory written out as lines of JSON, and taken in again."""
