"""Reads JSON text as a spec, and reports everything that is wrong with it."""
