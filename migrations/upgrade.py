"""Migration from code, used by `stackyard serve`, the `migrate` container and the tests."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from service.settings import Settings

_ALEMBIC_INI = Path(__file__).parent.parent / "alembic.ini"


def upgrade_database(settings: Settings) -> None:
    """Upgrade the database of `settings` to the newest schema, if it has an older one."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    config = Config(_ALEMBIC_INI)
    config.attributes["database_url"] = settings.resolved_database_url
    command.upgrade(config, "head")
