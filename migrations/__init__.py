"""Alembic's scripts, the only way a table comes to be; `python -m migrations` applies them."""
