"""Spec documents and dataset descriptions that tests change and break."""

import copy
import json
from typing import Any

import pytest

from stackyard.spec import (
    ArrayDescription,
    ArraysDescription,
    ColumnDescription,
    DatasetDescription,
    Limits,
    Report,
    SpecError,
    TableDescription,
    check_spec,
    parse_spec,
)


def build_column(name, column_type="float", **fields) -> ColumnDescription:
    defaults = {"missing": 0, "minimum": 0, "maximum": 8}
    return ColumnDescription(**{"name": name, "type": column_type} | defaults | fields)


def build_label_column(name, values) -> ColumnDescription:
    return build_column(name, "integer", categories=values, minimum=min(values), maximum=max(values))


def build_table(*columns, rows=150) -> TableDescription:
    return TableDescription(rows=rows, columns=columns)


def build_array(name, shape, dtype="float32", **fields) -> ArrayDescription:
    return ArrayDescription(name=name, type=dtype, shape=shape, **fields)


IRIS = build_table(
    *map(build_column, ("sepal_l", "sepal_w", "petal_l", "petal_w")), build_label_column("target", [0, 1, 2])
)

DIGITS = list(range(10))

MNIST = ArraysDescription(
    arrays=[
        build_array("x_train", [60000, 28, 28], "uint8", minimum=0, maximum=255),
        build_array("y_train", [60000], "uint8", categories=DIGITS, minimum=0, maximum=9),
        build_array("x_test", [10000, 28, 28], "uint8", minimum=0, maximum=255),
        build_array("y_test", [10000], "uint8", categories=DIGITS, minimum=0, maximum=9),
    ]
)

SPOTIFY_NUMBERS = [
    "danceability",
    "energy",
    "key",
    "loudness",
    "mode",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
    "duration_ms",
]

DATASETS: dict[str, DatasetDescription] = {
    "builtin:iris": IRIS,
    "mnist": MNIST,
    "concrete": build_table(
        *map(build_column, "abcdefgh"), build_column("CompressiveStrength", maximum=83), rows=1030
    ),
    "red-wine": build_table(
        *map(build_column, "abcdefghijk"), build_label_column("quality", [3, 4, 5, 6, 7, 8]), rows=1599
    ),
    "spotify": build_table(
        *map(build_column, SPOTIFY_NUMBERS),
        build_column("playlist_genre", "text", categories=["edm", "latin", "pop", "r&b", "rap", "rock"]),
        build_column("track_artist", "text", missing=5),
        build_column("track_name", "text", missing=5),
        build_column("track_popularity", "integer", minimum=0, maximum=100, categories=list(range(101))),
        rows=32833,
    ),
}

SPEC: dict[str, Any] = {
    "data": {
        "dataset": "builtin:iris",
        "target": {"column": "target"},
        "split": {"validation": {"method": "last", "train_fraction": 0.8}},
    },
    "network": {"layers": [{"type": "Dense", "units": 8}, {"type": "Dense", "units": 3, "activation": "softmax"}]},
    "training": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "seed": 0},
}

REGRESSION = {
    "data": {"target": {"column": "petal_w"}},
    "network": {"layers": [{"type": "Dense", "units": 1}]},
    "training": {"loss": "mae", "metrics": []},
}
"""Changes to `SPEC` that make it a regression."""

ARRAYS = {
    "data": {"dataset": "mnist", "x": "x_train", "y": "y_train"},
    "network": {"layers": ["Flatten", {"type": "Dense", "units": 10, "activation": "softmax"}]},
}
"""Changes to `SPEC` that make its data arrays; `build_array_spec` also removes the target of the table."""


def apply_changes(*changes: dict[str, Any], base: dict[str, Any] = SPEC) -> dict[str, Any]:
    """Return `base` with changes applied: objects are merged, other values are replaced, `...` removes a member."""
    document = copy.deepcopy(base)
    for change in changes:
        document = _merge_objects(document, change)
    return document


def _merge_objects(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        if value is ...:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _merge_objects(base[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def build_array_spec(*changes: dict[str, Any]) -> dict[str, Any]:
    return apply_changes({"data": {"target": ..., "split": ...}}, ARRAYS, *changes)


def encode_json(document: object) -> bytes:
    return json.dumps(document).encode()


def check_document(document: object, dataset: DatasetDescription = IRIS, limits: Limits | None = None) -> Report:
    return check_spec(parse_spec(encode_json(document), limits), dataset, limits)


def collect_faults(
    document: object, dataset: DatasetDescription = IRIS, limits: Limits | None = None
) -> dict[str, str]:
    """Return the messages of a rejected spec by their pointers."""
    with pytest.raises(SpecError) as raised:
        check_document(document, dataset, limits)
    return {fault.pointer: fault.message_with_fix for fault in raised.value.faults}


def is_valid_pointer(document: Any, pointer: str) -> bool:
    """Return whether a JSON pointer leads to a value of the document."""
    value = document
    for segment in pointer.split("/")[1:]:
        key = segment.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return False
    return True
