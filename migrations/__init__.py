"""Alembic's migrations, which create all tables; `python -m migrations` applies them.

There are no downgrades. To go back, restore a backup, which also has the rows.
"""
