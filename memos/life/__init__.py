"""How cubes are born, revised, derived, forgotten and kept in order."""
