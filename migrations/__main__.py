"""Bring the database to the newest schema: `python -m migrations`."""

from migrations.upgrade import upgrade
from service.settings import Settings

if __name__ == "__main__":
    upgrade(Settings())
