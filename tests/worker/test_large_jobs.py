"""Jobs that train on rows from files."""

import fcntl
import json
from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from service.datasets import dataset_source
from service.settings import Settings
from tests.in_process_trainer import Trainer, create_installation

pytestmark = pytest.mark.exhaustive

SPLIT = {"test": {"method": "last", "train_fraction": 0.9}, "validation": {"method": "random", "train_fraction": 0.8}}
NETWORK = {
    "layers": [
        {"type": "BatchNormalization"},
        {"type": "Dense", "units": 8, "activation": "relu"},
        {"type": "Dropout", "rate": 0.2},
        {"type": "Dense", "units": 3, "activation": "softmax"},
    ]
}
TRAINING = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "epochs": 3, "seed": 7}
TABLE = {
    "data": {
        "dataset": "table",
        "target": {"column": "kind"},
        "features": [{"columns": ["a", "b", "c"], "transform": "standard"}],
        "split": SPLIT,
    },
    "network": NETWORK,
    "training": TRAINING | {"class_weight": "balanced"},
}
ARRAYS = {
    "data": {"dataset": "arrays", "x": "x", "y": "y", "normalize": {"axis": -1}, "sample_weight": "w", "split": SPLIT},
    "network": NETWORK,
    "training": TRAINING,
}


@pytest.fixture
def trainers(tmp_path, sqlite_template, broker_url, make_client):
    """A trainer with room for every row in memory, and one with none; each has the datasets."""
    generator = np.random.default_rng(0)
    numbers = generator.random((600, 3))
    kinds = (numbers.sum(axis=1) * 0.99).astype(int)
    table = pd.DataFrame(numbers, columns=list("abc")).assign(kind=[f"kind {kind}" for kind in kinds])
    arrays = BytesIO()
    np.savez(arrays, x=(numbers * 255).astype(np.uint8), y=kinds, w=generator.random(600))

    def create_trainer(name, **settings):
        (tmp_path / name).mkdir()
        settings = Settings(
            **create_installation(tmp_path / name, sqlite_template, broker_url).model_dump() | settings
        )
        trainer = Trainer(make_client(settings), settings)
        trainer.upload("table", table.to_csv(index=False).encode())
        trainer.upload("arrays", arrays.getvalue(), dataset_source.NPZ)
        return trainer

    return create_trainer("memory"), create_trainer("files", data_memory=1)


def train_job(trainer, spec):
    job = trainer.train(spec)
    evaluation = trainer.client.get(f"/v1/jobs/{job}").json()["evaluation"]
    return trainer.client.get(f"/v1/jobs/{job}/history").json(), evaluation


@pytest.mark.parametrize("spec", [TABLE, ARRAYS], ids=["table", "arrays"])
def test_results_equal_those_of_rows_in_memory(spec, trainers, tmp_path):
    memory_trainer, file_trainer = trainers
    expected = train_job(memory_trainer, spec)
    assert train_job(file_trainer, spec) == expected
    assert train_job(file_trainer, spec) == expected  # with the prepared files of the first job
    assert train_job(memory_trainer, spec) == expected
    assert not (tmp_path / "memory" / "prepared").exists()
    (lock,) = (tmp_path / "files" / "prepared").glob("*.lock")
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # no job uses it any more


def test_a_job_fails_with_a_reason_if_the_disk_is_not_writable(trainers, tmp_path):
    file_trainer = trainers[1]
    (tmp_path / "files" / "prepared").touch()
    with pytest.raises(AssertionError, match="storage"):
        file_trainer.train(TABLE)
    (job,) = file_trainer.client.get("/v1/jobs").json()["items"]
    assert job["state"] == "failed"
    reason = file_trainer.client.get(f"/v1/jobs/{job['id']}").json()["reason"]
    assert reason["code"] == "storage", json.dumps(reason)
    assert reason["message"].startswith("The worker could not write prepared rows to its disk")
