"""A dataset that a job reads, with its description and its source."""

from dataclasses import dataclass

from models.dataset import BUILTIN_MEDIA_TYPE
from service.datasets.dataset_source import DatasetSource, FileSource
from stackyard.spec import DatasetDescription


@dataclass(frozen=True)
class DatasetRows:
    """A dataset: the SHA-256 of its content, its description, and where its rows are."""

    sha256: str
    description: DatasetDescription
    source: DatasetSource

    @property
    def media_type(self) -> str:
        """The media type of the dataset's file, or that of the built-in datasets."""
        return self.source.media_type if isinstance(self.source, FileSource) else BUILTIN_MEDIA_TYPE
