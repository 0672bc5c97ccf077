"""What a trained model is, apart from the moment at which it was saved: a digest of its every bit."""

import hashlib
import io
import zipfile
from pathlib import Path

import h5py


def digest(model: Path) -> str:
    """Of every variable of a `.keras` file, the optimizer's among them; its configuration has addresses of memory.

    Raises:
        zipfile.BadZipFile: it is none.

    """
    found = hashlib.sha256()
    with zipfile.ZipFile(model) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: _add(found, name, item))
    return found.hexdigest()


def _add(found: "hashlib._Hash", name: str, item: object) -> None:
    if isinstance(item, h5py.Dataset):
        found.update(f"{name} {item.dtype} {item.shape}".encode())
        found.update(item[()].tobytes())
