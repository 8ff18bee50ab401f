"""How well memories are found: cases with known evidence, run through a store, beside rivals."""
