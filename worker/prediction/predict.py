"""One request's rows: read, made into inputs, given to the network."""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from service.datasets.dataset_source import CSV
from service.prediction.protocol import Request
from stackyard.spec import Limits, Problem, SpecError, decode
from stackyard.spec.reading.faults import say
from worker.prediction import csv_table, json_arrays, json_table
from worker.prediction.columns import features_of
from worker.prediction.network_cache import Networks
from worker.prediction.predictions import Predictions
from worker.prediction.row_faults import Findings, Refused
from worker.preparation.arrays import Array
from worker.preparation.transforms.array_inputs import FittedArray
from worker.preparation.transforms.features import FittedTable

_BATCH = 32
"""Rows at a time, as in `keras.Model.predict`: other batches would give other last bits."""
_MOST_OUTPUTS = 1_000_000
"""Numbers in one answer."""


class NotAlone(Exception):
    """The inputs of a row depend on all the rows of the dataset, so no other row has any."""


def predict(request: Request, rows: bytes, networks: Networks) -> Predictions:
    """What a job's network says of some rows.

    Args:
        request: which job, and how the rows are written.
        rows: as they came over HTTP.
        networks: to find the job's in.

    Raises:
        Refused: the rows cannot be predicted, each fault at its place.
        NotAlone: no rows can be.
        Damaged: a stored file is.

    """
    trained = networks.of(request)
    x, unknown = _inputs(trained.fitted.inputs, request, rows)
    _check_finite(x)
    network = trained.network(x.shape[1:])
    _check_outputs(len(x), network.output_shape[1:])
    batches = [network.predict_on_batch(x[start : start + _BATCH]) for start in range(0, len(x), _BATCH)]
    return Predictions(np.concatenate(batches), trained.fitted.target, unknown)


def _inputs(fitted: FittedTable | FittedArray, request: Request, rows: bytes) -> tuple[Array, Sequence[Problem]]:
    if isinstance(fitted, FittedArray):
        return _of_arrays(fitted, request, rows), ()
    features = tuple(features_of(fitted))
    if request.media_type == CSV:
        table = csv_table.read(rows, features)
        _check_number(len(table.lines or ()), request)
    else:
        table = json_table.read(_json(request, rows), features)
    return fitted.apply(table.frame), table.unknown(features)


def _of_arrays(fitted: FittedArray, request: Request, rows: bytes) -> Array:
    if request.media_type == CSV:
        raise Refused([Problem(pointer="", message="expected JSON, as the job learnt from arrays; received CSV")])
    if fitted.normalize is not None and fitted.normalize.axis % (len(fitted.shape) + 1) == 0:
        raise NotAlone("The job normalized its inputs along axis 0, over all rows of the dataset together.")
    return fitted.apply(json_arrays.read(_json(request, rows), fitted))


def _json(request: Request, text: bytes) -> Sequence[object]:
    """The rows of a JSON document; at least one."""
    size = max(1, len(text))
    try:
        document = decode(text, Limits(max_json_bytes=size, max_json_elements=size))
    except SpecError as error:
        raise Refused(error.problems) from None
    findings = Findings()
    for name in document.keys() - {"rows"}:
        findings.add(f'expected "rows" and nothing else, received {say(name)}', name)
    rows = cast("list[object]", document.get("rows"))
    if "rows" not in document:
        findings.add('expected "rows", an array of at least one; received none')
    elif not isinstance(rows, list) or not rows:  # pyright: ignore[reportUnnecessaryIsInstance]  # it may be anything
        received = "none" if rows == [] else say(rows)
        findings.add(f"expected an array of at least one row, received {received}", "rows", received=rows)
    findings.refuse()
    _check_number(len(rows), request)
    return rows


def _check_number(rows: int, request: Request) -> None:
    if rows > request.max_rows:
        message = f"expected at most {request.max_rows} rows (limit max_predict_rows), received {rows}"
        raise Refused([Problem(pointer="/rows", message=message)])


def _check_finite(x: Array) -> None:
    """Refuse rows with numbers that float32 cannot hold, as they are or once they are scaled."""
    lost = np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).tolist()
    findings = Findings()
    for row in lost:
        findings.at_row("expected numbers that float32 can hold when they are scaled, received a greater one", row)
    findings.refuse()


def _check_outputs(rows: int, output_shape: Sequence[int]) -> None:
    most = _MOST_OUTPUTS // math.prod(output_shape)
    if rows > most:
        message = f"expected at most {most} rows, each of which has an output of shape {list(output_shape)}"
        raise Refused([Problem(pointer="/rows", message=f"{message}; received {rows}")])
