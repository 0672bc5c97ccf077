"""Figures about the whole installation, for monitoring: its state now, and the events since the last reading."""
