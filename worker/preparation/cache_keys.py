"""What prepared rows are known by: everything that they depend on, and nothing else."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stackyard.spec import DatasetDescription, GroupSplit, JobSpec, RandomSplit, Task, TrainTestSplit
from stackyard.spec.data.split import SplitMethod
from stackyard.spec.training.losses import LABEL_LOSSES, SIGN_LOSSES
from worker.preparation.transforms.targets import link_of

_LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn")


def key(spec: JobSpec, sha256: str, media_type: str, description: DatasetDescription, task: Task) -> str:
    """The name, a SHA-256, of what `prepare` makes: equal where it makes the same, to the bit.

    Args:
        spec: of the job, its seed filled in. Of its training, preparation looks at the class weights, at the seed
            where a split that draws has none of its own, and at what kind of targets the loss takes.
        sha256: of the dataset's content.
        media_type: of its file.
        description: by which the file is read.
        task: as `stackyard.spec.check` found it.

    """
    training, data = spec.training, spec.data
    loss = training.loss
    parts: list[Any] = [
        _code(),
        sha256,
        media_type,
        description.model_dump_json(),
        data.model_dump_json(exclude={"dataset"}),
        training.seed if any(_draws_by_the_trainings(method) for method in data.split.methods) else None,
        [isinstance(loss, LABEL_LOSSES), isinstance(loss, SIGN_LOSSES), link_of(loss)],
        task.model_dump_json(),
        training.class_weight,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _draws_by_the_trainings(method: SplitMethod) -> bool:
    if not isinstance(method, RandomSplit | TrainTestSplit | GroupSplit) or method.seed is not None:
        return False
    return not isinstance(method, TrainTestSplit) or method.shuffle


@cache
def _code() -> str:
    """What does the work: files outlive the release that wrote them."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in _LIBRARIES).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()
