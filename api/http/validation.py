"""What a client may put into a name, a filter or a key."""

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
"""A regular expression: no control characters, NUL among them, which PostgreSQL cannot store."""
