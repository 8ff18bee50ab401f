"""Optional steps: what is drawn from texts, how one asks, what comes first."""
