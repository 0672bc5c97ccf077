"""Small specs and files that would take gigabytes of a worker: the check must refuse them, or know their size."""

import json
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.attacks.target import AttackResult, Target
from tests.factories import iris_spec

TITLE = "Jobs that take more memory than they look"
POINT = 6
ROWS = 100_000
TEXT_BYTES = 800
"""The texts take 80 MB in memory, and some kilobytes in the file."""
OUTPUT = {"type": "Dense", "units": 3, "activation": "softmax"}


def run_attack(target: Target) -> AttackResult:
    """Check the specs, and upload a file of one repeated text."""
    refusals = {name: _check_spec(target, spec) for name, spec in _build_specs().items()}
    size = _measure_texts(target)
    held = all(status == 422 for status in refusals.values()) and size == ROWS * TEXT_BYTES
    figures = {name: str(status) for name, status in refusals.items()} | {"size of the texts": f"{size:,}"}
    return AttackResult(held=held, figures=figures)


def _build_specs() -> dict[str, dict[str, Any]]:
    sequence = {"type": "Reshape", "target_shape": [20_000, 1]}
    widened = [{"type": "Dense", "units": 20_000}, sequence]
    dense = {"type": "Dense", "units": 2}
    metric = {"type": "AUC", "multi_label": True, "num_labels": 10**6}
    labels = iris_spec(training={"metrics": [metric], "loss": "categorical_crossentropy"})
    labels["data"]["target"]["encode"] = "one_hot"
    return {
        "labels of AUC": labels,
        "unrolled steps": _build_network(*widened, {"type": "LSTM", "units": 4, "unroll": True}),
        "power iterations": _build_network(
            {"type": "SpectralNormalization", "layer": dense, "power_iterations": 10**9}
        ),
        "orthogonal rows": _build_network(
            {"type": "Dense", "units": 30_000}, dense | {"kernel_regularizer": "orthogonal"}
        ),
        "recurrent steps": _build_network(*widened, {"type": "LSTM", "units": 1000}),
    }


def _build_network(*layers: dict[str, Any]) -> dict[str, Any]:
    return iris_spec(network={"layers": [*layers, OUTPUT]})


def _check_spec(target: Target, spec: dict[str, Any]) -> int:
    headers = {"Content-Type": "application/json"}
    return target.client.post("/v1/specs/check", content=json.dumps(spec).encode(), headers=headers).status_code


def _measure_texts(target: Target) -> int | None:
    codes = pa.array([0] * ROWS, pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * TEXT_BYTES]))
    content = BytesIO()
    pq.write_table(pa.table({"text": column}), content)
    upload = target.client.post(
        "/v1/datasets",
        params={"name": "attack-texts"},
        content=content.getvalue(),
        headers={"Content-Type": "application/vnd.apache.parquet"},
    )
    upload.raise_for_status()
    return upload.json()["description"]["columns"][0]["text_bytes"]
