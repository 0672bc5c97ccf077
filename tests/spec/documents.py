"""Specs as documents and datasets as descriptions, for tests to change and break."""

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
    check,
    parse,
)


def column(name, kind="float", **known) -> ColumnDescription:
    return ColumnDescription(**{"name": name, "type": kind, "missing": 0, "minimum": 0, "maximum": 8} | known)


def labels(name, values) -> ColumnDescription:
    return column(name, "integer", categories=values, minimum=min(values), maximum=max(values))


def table(*columns, rows=150) -> TableDescription:
    return TableDescription(rows=rows, columns=columns)


def array(name, shape, kind="float32", **known) -> ArrayDescription:
    return ArrayDescription(name=name, type=kind, shape=shape, **known)


IRIS = table(*map(column, ("sepal_l", "sepal_w", "petal_l", "petal_w")), labels("target", [0, 1, 2]))

DIGITS = list(range(10))

MNIST = ArraysDescription(
    arrays=[
        array("x_train", [60000, 28, 28], "uint8", minimum=0, maximum=255),
        array("y_train", [60000], "uint8", categories=DIGITS, minimum=0, maximum=9),
        array("x_test", [10000, 28, 28], "uint8", minimum=0, maximum=255),
        array("y_test", [10000], "uint8", categories=DIGITS, minimum=0, maximum=9),
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
    "concrete": table(*map(column, "abcdefgh"), column("CompressiveStrength", maximum=83), rows=1030),
    "red-wine": table(*map(column, "abcdefghijk"), labels("quality", [3, 4, 5, 6, 7, 8]), rows=1599),
    "spotify": table(
        *map(column, SPOTIFY_NUMBERS),
        column("playlist_genre", "text", categories=["edm", "latin", "pop", "r&b", "rap", "rock"]),
        column("track_artist", "text", missing=5),
        column("track_name", "text", missing=5),
        column("track_popularity", "integer", minimum=0, maximum=100, categories=list(range(101))),
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
"""Changes to `SPEC` that make numbers of its target."""

ARRAYS = {
    "data": {"dataset": "mnist", "x": "x_train", "y": "y_train"},
    "network": {"layers": ["Flatten", {"type": "Dense", "units": 10, "activation": "softmax"}]},
}
"""Changes to `SPEC` that read arrays; the table's target goes."""


def changed(*changes: dict[str, Any], base: dict[str, Any] = SPEC) -> dict[str, Any]:
    """The document with objects merged and all else replaced; a value of `...` takes a member away."""
    document = copy.deepcopy(base)
    for change in changes:
        document = _merged(document, change)
    return document


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        if value is ...:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(old.get(key), dict):
            merged[key] = _merged(old[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def as_arrays(*changes: dict[str, Any]) -> dict[str, Any]:
    return changed({"data": {"target": ..., "split": ...}}, ARRAYS, *changes)


def encode(document: object) -> bytes:
    return json.dumps(document).encode()


def checked(document: object, dataset: DatasetDescription = IRIS, limits: Limits | None = None) -> Report:
    return check(parse(encode(document), limits), dataset, limits)


def refused(document: object, dataset: DatasetDescription = IRIS, limits: Limits | None = None) -> dict[str, str]:
    """What a refusal says, by its pointers."""
    with pytest.raises(SpecError) as caught:
        checked(document, dataset, limits)
    return {problem.pointer: problem.sentence for problem in caught.value.problems}
