"""Trained networks, rebuilt from their jobs' specs, with weights whose SHA-256 was verified.

Of a `.keras` file its weights alone are read: its `config.json`, which names classes and functions to call, is not.
"""

import hashlib
import io
import zipfile
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from service.prediction.protocol import Request, StoredFile
from stackyard.spec import JobSpec
from worker.keras_build.network import build
from worker.preparation.transforms.fitted_transforms import Fitted

_MOST_KEPT = 4
_WEIGHTS = "model.weights.h5"
"""Their name in a `.keras` file; Keras knows the format by the end of it."""


class Damaged(Exception):
    """A stored file is not there, or is not what its SHA-256 says."""


class Trained:
    """What one job made: what was fitted, and its network, which is built when it is first needed."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._network: Any = None
        with _read(request.preprocessing) as content:
            self.fitted = Fitted.model_validate_json(content)

    def network(self, input_shape: tuple[int, ...]) -> Any:
        """The trained keras.Sequential, which has no types.

        Args:
            input_shape: of one row's inputs.

        Raises:
            Damaged: the stored model is.

        """
        if self._network is None:
            with _read(self._request.model) as content:
                spec = JobSpec.model_validate(self._request.spec)
                network: Any = build(spec.network, input_shape)
                _load_weights(network, content)
            self._network = network
        return self._network


class Networks:
    """The last few that were asked for, so that they are warm when they are asked for again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Trained] = OrderedDict()

    def of(self, request: Request) -> Trained:
        """What the request's job made.

        Raises:
            Damaged: what it fitted is.

        """
        key = (request.model.sha256, request.preprocessing.sha256)
        trained = self._kept.pop(key, None) or Trained(request)
        self._kept[key] = trained
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return trained


@contextmanager
def _read(file: StoredFile) -> Generator[bytes]:
    """A file's content, for a block that makes something of it."""
    try:
        yield _verified(file)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise Damaged(f"{file.path} is not what its job's spec asks for: {error}") from error


def _verified(file: StoredFile) -> bytes:
    try:
        content = Path(file.path).read_bytes()
    except OSError as error:
        raise Damaged(f"{file.path} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise Damaged(f"{file.path} is not what its SHA-256 says.")
    return content


def _load_weights(network: Any, model: bytes) -> None:
    with TemporaryDirectory(prefix="stackyard-") as directory, zipfile.ZipFile(io.BytesIO(model)) as archive:
        path = Path(directory) / _WEIGHTS
        path.write_bytes(archive.read(_WEIGHTS))
        network.load_weights(path)
