"""Attacks on a running server, small and bounded: `make attack` runs all of them and prints a verdict for each."""
