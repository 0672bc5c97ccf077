"""Owners and projects of objects: their names, and the filters of lists by them."""
