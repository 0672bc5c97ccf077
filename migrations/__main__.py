"""Upgrade the database to the newest schema: `python -m migrations`."""

from migrations.upgrade import upgrade_database
from service.db.schema_revision import require_no_newer_schema
from service.settings import Settings
from service.storage.private_files import keep_files_private
from stackyard.process_privacy import keep_process_private

if __name__ == "__main__":
    keep_process_private()
    settings = Settings()
    keep_files_private(settings.data_dir)
    require_no_newer_schema(settings.resolved_database_url)
    upgrade_database(settings)
