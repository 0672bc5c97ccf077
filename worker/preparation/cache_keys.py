"""Cache keys of prepared data: a hash of everything that the result depends on."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from service.datasets import time_columns
from stackyard.spec import GroupSplit, JobSpec, RandomSplit, Task, TrainTestSplit
from stackyard.spec.data import csv_format
from stackyard.spec.data.split import SplitMethod
from stackyard.spec.training.losses import LABEL_LOSSES, SIGN_LOSSES
from worker.preparation.dataset_rows import DatasetRows
from worker.preparation.transforms.targets import get_link

_LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn")


def build_cache_key(spec: JobSpec, dataset: DatasetRows, task: Task, test_dataset: DatasetRows | None) -> str:
    """Return the SHA-256 under which prepared data is cached. Equal keys mean bit-identical results.

    Args:
        spec: of the job, with its seed filled in. Preparation depends on three things in its `training` section:
            the class weights, the kind of targets that the loss takes, and the seed. The seed counts only if a
            random split has no seed of its own.
        dataset: its content, its media type and its description decide which rows are read.
        task: as returned by `stackyard.spec.check`.
        test_dataset: that of the spec; None without one.

    """
    training, data = spec.training, spec.data
    loss = training.loss
    inputs: list[Any] = [
        _hash_code(),
        *(_list_identity(rows) for rows in (dataset, test_dataset)),
        data.model_dump_json(exclude={"dataset", "test_dataset"}),
        training.seed if any(_uses_training_seed(method) for method in data.split.methods) else None,
        [isinstance(loss, LABEL_LOSSES), isinstance(loss, SIGN_LOSSES), get_link(loss)],
        task.model_dump_json(),
        training.class_weight,
    ]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _list_identity(rows: DatasetRows | None) -> list[str] | None:
    return None if rows is None else [rows.sha256, rows.media_type, rows.description.model_dump_json()]


def _uses_training_seed(method: SplitMethod) -> bool:
    if not isinstance(method, RandomSplit | TrainTestSplit | GroupSplit) or method.seed is not None:
        return False
    return not isinstance(method, TrainTestSplit) or method.shuffle


@cache
def _hash_code() -> str:
    """Hash the source that prepares rows, and the libraries' versions: cached files outlive a release."""
    sources = [*sorted(Path(__file__).parent.rglob("*.py")), Path(time_columns.__file__), Path(csv_format.__file__)]
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in _LIBRARIES).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()
