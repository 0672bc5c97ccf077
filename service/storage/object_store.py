"""Store of files by their SHA-256 in an S3-compatible bucket, with local copies of the files that are read."""

# obstore.list can also answer in Arrow's types, which are not installed.
# pyright: reportUnknownMemberType=false

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from service.errors import CorruptFile, StorageError
from service.storage.artifact_store import ArtifactStore, IncomingFile
from service.storage.file_cache import FileCache

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_CLIENT: "ClientConfig" = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "1h"}
_RETRY: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}
_CHUNK = 8 << 20


class ObjectStore(ArtifactStore):
    """A bucket that the API and the workers share on any number of machines, with a cache of local copies.

    Copies are verified like the files of a directory. A copy that is being read is never evicted.

    Args:
        data_dir: `Settings.data_dir`; the store creates `cache` and `incoming` in it.
        url: `s3://BUCKET/PREFIX`.
        endpoint: URL of the S3 server; empty for AWS.
        max_cache_bytes: maximum size in bytes of the local copies; copies that are being read do not count.

    Raises:
        ValueError: `url` is not the URL of a bucket.

    """

    def __init__(self, data_dir: Path, *, url: str, endpoint: str = "", max_cache_bytes: int) -> None:
        super().__init__(data_dir, "cache")
        if not url.startswith("s3://"):
            raise ValueError(f"expected s3://BUCKET or s3://BUCKET/PREFIX, received {url}")
        config: S3Config = {"endpoint": endpoint} if endpoint else {}
        client: ClientConfig = {**_CLIENT, "allow_http": endpoint.startswith("http://")}
        self._bucket = S3Store.from_url(url, config=config, client_options=client, retry_config=_RETRY)
        self._cache = FileCache(self._root, max_cache_bytes, self._checksums)

    @contextmanager
    def verified_path(self, sha256: str) -> Generator[Path]:
        """Yield the path of a verified local copy; download the file first if there is no copy."""
        with self._cache.open_copy(sha256) as path:
            if path is not None:
                yield path
                return
        with self.receive_file() as incoming:
            self._download(sha256, incoming)
            with self._cache.add_copy(incoming.path, sha256) as path:
                yield path

    def has_file(self, sha256: str, size: int) -> bool:
        """Return whether the bucket has the file with this size in bytes."""
        with _translate_bucket_errors():
            try:
                return obstore.head(self._bucket, _build_key(sha256))["size"] == size
            except FileNotFoundError:
                return False

    def remove(self, sha256: str, *, before: float) -> bool:
        """Remove a file as `ArtifactStore` does; `before` is compared with times of the bucket's clock."""
        with _translate_bucket_errors():
            try:
                if obstore.head(self._bucket, _build_key(sha256))["last_modified"].timestamp() >= before:
                    return False
                obstore.delete(self._bucket, _build_key(sha256))
            except FileNotFoundError:
                pass
        self._cache.remove_copy(sha256)
        return True

    def list_files(self, *, before: float) -> Iterator[str]:
        """List files as `ArtifactStore` does; `before` is compared with times of the bucket's clock."""
        with _translate_bucket_errors():
            for chunk in obstore.list(self._bucket, "sha256/"):
                for entry in chunk:
                    if entry["last_modified"].timestamp() < before:
                        yield entry["path"].rpartition("/")[2]

    def _move_into_store(self, received: Path, sha256: str) -> None:
        with _translate_bucket_errors():
            obstore.put(self._bucket, _build_key(sha256), received)
        with self._cache.add_copy(received, sha256):
            pass

    def _download(self, sha256: str, incoming: IncomingFile) -> None:
        with _translate_bucket_errors():
            try:
                for chunk in obstore.get(self._bucket, _build_key(sha256)).stream(_CHUNK):
                    incoming.write(bytes(chunk))
            except FileNotFoundError:
                raise CorruptFile(sha256) from None
        if incoming.sha256 != sha256:
            raise CorruptFile(sha256)
        incoming.flush()


def _build_key(sha256: str) -> str:
    return f"sha256/{sha256[:2]}/{sha256}"


@contextmanager
def _translate_bucket_errors() -> Generator[None]:
    """Translate every error of the bucket or the network into one exception class.

    Raises:
        StorageError: the request to the bucket failed.

    """
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        reason = str(error).partition("\n")[0][:300]
        raise StorageError(f"The object store failed: {reason}") from error
