"""Upgrade the database to the newest schema: `python -m migrations`."""

from migrations.upgrade import upgrade_database
from service.settings import Settings

if __name__ == "__main__":
    upgrade_database(Settings())
