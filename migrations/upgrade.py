"""Applying the migrations from code: `serve`, the `migrate` container and the tests all come through here."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from service.settings import Settings

_INI = Path(__file__).parent.parent / "alembic.ini"


def upgrade(settings: Settings) -> None:
    """Bring the database of `settings` to the newest schema; nothing happens where it is there already."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    config = Config(_INI)
    config.attributes["database_url"] = settings.database
    command.upgrade(config, "head")
