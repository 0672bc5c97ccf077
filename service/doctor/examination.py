"""All checks, in the order in which a person would look."""

from collections.abc import Iterator

from pydantic import ValidationError

from service.db.database import SessionFactory
from service.doctor.broker_checks import check_broker
from service.doctor.database_checks import check_database, has_database
from service.doctor.findings import Finding
from service.doctor.machine_checks import check_data_directory, check_devices, check_versions
from service.doctor.settings_checks import check_settings, describe_invalid_settings
from service.doctor.storage_checks import check_storage
from service.doctor.worker_checks import check_workers
from service.settings import Settings


def examine() -> Iterator[Finding]:
    """Examine the installation that the environment configures. Invalid settings end the examination."""
    yield from check_versions()
    try:
        settings = Settings()
    except ValidationError as error:
        yield from describe_invalid_settings(error)
        return
    yield from check_settings(settings)
    sessions = SessionFactory(settings.resolved_database_url)
    try:
        yield from check_database(settings, sessions)
        yield from check_broker(settings)
        yield from check_storage(settings)
        yield from check_devices(settings)
        yield from check_data_directory(settings)
        if has_database(settings):
            yield from check_workers(sessions)
    finally:
        sessions.dispose()
