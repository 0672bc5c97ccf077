"""A digest of a trained model's weights, which does not depend on the time of saving."""

import hashlib
import io
import zipfile
from pathlib import Path

import h5py


def compute_model_digest(model: Path) -> str:
    """Return a digest of every variable of a `.keras` file, including the optimizer's.

    The file's configuration is left out, because it contains memory addresses.

    Raises:
        zipfile.BadZipFile: the file is not a zip archive.

    """
    digest = hashlib.sha256()
    with zipfile.ZipFile(model) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: _add_variable(digest, name, item))
    return digest.hexdigest()


def _add_variable(digest: "hashlib._Hash", name: str, item: object) -> None:
    if isinstance(item, h5py.Dataset):
        digest.update(f"{name} {item.dtype} {item.shape}".encode())
        digest.update(item[()].tobytes())
