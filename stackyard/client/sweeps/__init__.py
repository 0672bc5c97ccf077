"""Sweeps of the client: their views, and the methods that submit, follow and control them."""
