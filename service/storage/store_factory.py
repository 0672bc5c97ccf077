"""Selection of the store that an installation uses."""

from service.settings import Settings
from service.storage.artifact_store import ArtifactStore


def open_store(settings: Settings) -> ArtifactStore:
    """Open the store of this installation: a directory or a bucket.

    Raises:
        ValueError: `artifacts_url` is not the URL of a bucket.

    """
    if not settings.artifacts_url:
        return ArtifactStore(settings.data_dir)
    from service.storage.object_store import ObjectStore  # noqa: PLC0415  # most installations have no bucket

    return ObjectStore(
        settings.data_dir,
        url=settings.artifacts_url,
        endpoint=settings.artifacts_endpoint,
        max_cache_bytes=settings.artifacts_cache,
    )
