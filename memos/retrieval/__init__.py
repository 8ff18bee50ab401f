"""How memories are found: candidates from the indexes, then one pure ranking."""
