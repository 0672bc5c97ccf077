"""The data section of a spec, and the dataset descriptions that a spec is checked against."""
