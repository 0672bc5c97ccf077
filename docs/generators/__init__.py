"""Writes the generated pages of the documentation: `make docs` runs `python -m docs.generators`."""
