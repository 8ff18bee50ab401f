"""What we ask of the world: one Protocol a file, with the data it speaks in."""
