"""Separate processes for untrusted work: how they are started, limited and called."""
