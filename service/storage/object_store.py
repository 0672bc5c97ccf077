"""Files by content in a bucket of S3's kind, with copies on the disk of whoever reads them."""

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

from service.errors import Damaged, StorageError
from service.storage.artifact_store import ArtifactStore, Incoming
from service.storage.file_cache import FileCache

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_CLIENT: "ClientConfig" = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "1h"}
_RETRY: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}
_CHUNK = 8 << 20


class ObjectStore(ArtifactStore):
    """A bucket, shared by API and workers on any number of machines; its directory holds copies of what was used last.

    A copy is verified as every file is, and one that is read is not removed meanwhile, whoever needs its room.

    Args:
        data_dir: `Settings.data_dir`; the store makes `cache` and `incoming` in it.
        url: `s3://BUCKET/PREFIX`.
        endpoint: where the bucket is served; AWS's own where empty.
        most_cached: bytes that the copies may take up together, those aside that are being read.

    Raises:
        ValueError: `url` is not one of a bucket.

    """

    def __init__(self, data_dir: Path, *, url: str, endpoint: str = "", most_cached: int) -> None:
        super().__init__(data_dir, "cache")
        if not url.startswith("s3://"):
            raise ValueError(f"expected s3://BUCKET or s3://BUCKET/PREFIX, received {url}")
        config: S3Config = {"endpoint": endpoint} if endpoint else {}
        client: ClientConfig = {**_CLIENT, "allow_http": endpoint.startswith("http://")}
        self._bucket = S3Store.from_url(url, config=config, client_options=client, retry_config=_RETRY)
        self._cache = FileCache(self._root, most_cached, self._verified)

    @contextmanager
    def local(self, sha256: str) -> Generator[Path]:
        """As of a directory; the file is copied here first, if it is not here."""
        with self._cache.held(sha256) as path:
            if path is not None:
                yield path
                return
        with self.receive() as incoming:
            self._download(sha256, incoming)
            with self._cache.put(incoming.path, sha256) as path:
                yield path

    def has(self, sha256: str, size: int) -> bool:
        """As of a directory; the bucket is asked."""
        with _asking():
            try:
                return obstore.head(self._bucket, _key(sha256))["size"] == size
            except FileNotFoundError:
                return False

    def remove(self, sha256: str, *, before: float) -> bool:
        """As of a directory; the moment is held against the bucket's clock."""
        with _asking():
            try:
                if obstore.head(self._bucket, _key(sha256))["last_modified"].timestamp() >= before:
                    return False
                obstore.delete(self._bucket, _key(sha256))
            except FileNotFoundError:
                pass
        self._cache.drop(sha256)
        return True

    def strays(self, *, before: float) -> Iterator[str]:
        """As of a directory; the moment is held against the bucket's clock."""
        with _asking():
            for chunk in obstore.list(self._bucket, "sha256/"):
                for found in chunk:
                    if found["last_modified"].timestamp() < before:
                        yield found["path"].rpartition("/")[2]

    def _place(self, received: Path, sha256: str) -> None:
        with _asking():
            obstore.put(self._bucket, _key(sha256), received)
        with self._cache.put(received, sha256):
            pass

    def _download(self, sha256: str, incoming: Incoming) -> None:
        with _asking():
            try:
                for chunk in obstore.get(self._bucket, _key(sha256)).stream(_CHUNK):
                    incoming.write(bytes(chunk))
            except FileNotFoundError:
                raise Damaged(sha256) from None
        if incoming.sha256 != sha256:
            raise Damaged(sha256)
        incoming.flush()


def _key(sha256: str) -> str:
    return f"sha256/{sha256[:2]}/{sha256}"


@contextmanager
def _asking() -> Generator[None]:
    """Make one error of all that a bucket, or the way to it, may answer.

    Raises:
        StorageError: it did not do what it was asked.

    """
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        why = str(error).partition("\n")[0][:300]
        raise StorageError(f"The store of files does not answer as it should: {why}") from error
