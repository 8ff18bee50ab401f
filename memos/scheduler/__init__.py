"""Which block goes when a place is full: pure policies, each from its paper."""
