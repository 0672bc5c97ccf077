"""Check of the store of files: a file is written, read and deleted, and its time is compared with the clock."""

import secrets
import time
from collections.abc import Iterator

from service.doctor.findings import Finding, report_ok, report_problem, warn
from service.errors import CorruptFile, StorageError
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from service.storage.store_factory import open_store

_SUBJECT = "storage"
_MAX_SKEW_S = 60.0
_FAR_FUTURE_S = 10 * 365 * 86_400
_PROBE_BYTES = 64


def check_storage(settings: Settings) -> Iterator[Finding]:
    """Store, read and delete a random file."""
    place = settings.artifacts_url or "the data directory"
    try:
        started = time.perf_counter()
        store = open_store(settings)
        sha256 = _write_probe(store)
        with store.verified_path(sha256) as path:
            path.read_bytes()
        skew = _delete_probe(store, sha256)
        seconds = time.perf_counter() - started
    except (StorageError, CorruptFile, OSError, ValueError) as error:
        advice = "Check the disk, or STACKYARD_ARTIFACTS_URL, STACKYARD_ARTIFACTS_ENDPOINT and the credentials."
        yield report_problem(_SUBJECT, f"A test file could not be stored in {place}: {error}.", advice)
        return
    yield report_ok(_SUBJECT, f"A test file was written to {place}, read and deleted in {seconds * 1000:.0f} ms.")
    if skew is not None:
        message = f"The clock of the store is more than {_MAX_SKEW_S:g} s {skew} that of this machine."
        yield warn("clock", message, "Synchronize both with NTP: the age of a file decides when it may be deleted.")


def _write_probe(store: ArtifactStore) -> str:
    with store.receive_file() as incoming:
        incoming.write(secrets.token_bytes(_PROBE_BYTES))
        return store.commit_file(incoming).sha256


def _delete_probe(store: ArtifactStore, sha256: str) -> str | None:
    """Delete the file, and return whether its time is "behind" or "ahead of" the clock; None if it is neither."""
    current_time = time.time()
    if store.remove(sha256, before=current_time - _MAX_SKEW_S):
        return "behind"
    if store.remove(sha256, before=current_time + _MAX_SKEW_S):
        return None
    store.remove(sha256, before=current_time + _FAR_FUTURE_S)
    return "ahead of"
