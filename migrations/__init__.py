"""Alembic's scripts, the only way a table comes to be; `python -m migrations` applies them.

There is no way down: whoever must go back restores a backup, which also has the rows.
"""
