"""Trained networks, rebuilt from their jobs' specs, with weights whose SHA-256 is verified.

Only the weights of a `.keras` file are read, not its `config.json`, which names classes and functions to call.
"""

import hashlib
import io
import zipfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from service.prediction.protocol import PredictionRequest, StoredFile
from stackyard.spec import JobSpec
from worker.keras_build.network import build_network
from worker.prediction.computed_lookups import ComputedLookup, build_computed_lookups
from worker.preparation.lookups import get_vocabulary_size
from worker.preparation.memory_cache import MemoryCache
from worker.preparation.transforms.fitted_transforms import FittedTransforms
from worker.runtime import private_names

_WEIGHTS = "model.weights.h5"
"""Name of the weights in a `.keras` file."""


class CorruptModelError(Exception):
    """A stored file is missing or unreadable, differs from its SHA-256, or does not fit its job's spec."""


class LoadedNetwork:
    """The fitted transforms of one job, and its network, which is built when it is first needed."""

    def __init__(self, request: PredictionRequest) -> None:
        self._request = request
        self._network: Any = None
        with _read_verified(request.preprocessing) as content:
            self.transforms = FittedTransforms.model_validate_json(content)

    @cached_property
    def vocabulary_size(self) -> int | None:
        """The number of values that the inputs may have, from 0, if an Embedding looks them up."""
        return get_vocabulary_size(self._spec)

    @cached_property
    def _spec(self) -> JobSpec:
        return JobSpec.model_validate(self._request.spec)

    @cached_property
    def computed_lookups(self) -> Sequence[ComputedLookup]:
        """The lookups of values that the network computes. `build_network` must have been called."""
        return build_computed_lookups(self._spec.network.layers, self._network)

    def build_network(self, input_shape: tuple[int, ...]) -> Any:
        """Return the trained keras.Sequential, which is untyped.

        Args:
            input_shape: of one row's inputs.

        Raises:
            CorruptModelError: the stored model is corrupt.

        """
        if self._network is None:
            with _read_verified(self._request.model) as content:
                network: Any = build_network(self._spec.network, input_shape)
                _load_weights(network, content)
            self._network = network
        return self._network


class NetworkCache:
    """The most recently used networks, so that further requests find them built.

    Args:
        max_networks: number of networks that are kept.

    """

    def __init__(self, max_networks: int = 4) -> None:
        self._cache = MemoryCache[tuple[str, str], LoadedNetwork](max_networks)

    def get(self, request: PredictionRequest) -> LoadedNetwork:
        """Return the network of the request's job.

        Raises:
            CorruptModelError: the stored transforms are corrupt.

        """
        key = (request.model.sha256, request.preprocessing.sha256)
        network = self._cache.get(key)
        if network is None:
            network = LoadedNetwork(request)
            self._cache.put(key, network)
        return network


@contextmanager
def _read_verified(file: StoredFile) -> Generator[bytes]:
    """Yield a file's verified content to a block that parses it; errors of the block mean that the file is corrupt."""
    try:
        yield _read_and_verify(file)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CorruptModelError(f"{file.path} does not fit its job's spec: {error}") from error


def _read_and_verify(file: StoredFile) -> bytes:
    try:
        content = Path(file.path).read_bytes()
    except OSError as error:
        raise CorruptModelError(f"{file.path} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise CorruptModelError(f"{file.path} does not match its SHA-256.")
    return content


def _load_weights(network: Any, model: bytes) -> None:
    """Load weights from memory. `keras.Model.load_weights` reads files only, and this process cannot write any."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        private_names.load_weights(network, io.BytesIO(archive.read(_WEIGHTS)))
