"""Predict the rows of one request: read them, transform them into inputs, and run the network."""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from service.datasets.dataset_source import CSV
from service.prediction.protocol import PredictionRequest
from stackyard.spec import Fault, Limits, SpecError, decode_json_object
from stackyard.spec.reading.faults import format_value
from worker.prediction import csv_table, json_arrays, json_table, lookup_inputs
from worker.prediction.computed_lookups import check_computed_lookups
from worker.prediction.feature_columns import iterate_features
from worker.prediction.feature_table import FeatureTable
from worker.prediction.network_cache import NetworkCache
from worker.prediction.predictions import Predictions
from worker.prediction.row_faults import InvalidRowsError, RowFaults
from worker.preparation.arrays import Array, mask_finite_rows
from worker.preparation.transforms.array_inputs import FittedArray
from worker.preparation.transforms.features import FittedTable

_BATCH_SIZE = 32
"""The default of `keras.Model.predict`: another batch size could change the last bits of outputs."""
_MAX_OUTPUTS = 1_000_000
"""Maximum number of output values in one answer."""


class DependentRowsError(Exception):
    """The job's inputs depend on all rows of the dataset together, so other rows cannot be transformed."""


def predict_rows(request: PredictionRequest, rows: bytes, networks: NetworkCache) -> Predictions:
    """Return the predictions of a job's network for some rows.

    Args:
        request: the job, and the format of the rows.
        rows: as received over HTTP.
        networks: cache that has or builds the job's network.

    Raises:
        InvalidRowsError: the rows are invalid; it has the location of each fault.
        DependentRowsError: the job cannot predict any rows.
        CorruptModelError: a stored file is corrupt.

    """
    trained = networks.get(request)
    x, table = _build_inputs(trained.transforms.inputs, request, rows)
    _check_finite(x)
    if trained.vocabulary_size is not None:
        lookup_inputs.check_lookup_inputs(x, trained.vocabulary_size, table)
    network = trained.build_network(x.shape[1:])
    _check_output_count(len(x), network.output_shape[1:])
    check_computed_lookups(trained.computed_lookups, x, None if table is None else table.lines)
    batches = [network.predict_on_batch(x[start : start + _BATCH_SIZE]) for start in range(0, len(x), _BATCH_SIZE)]
    unknown = () if table is None else table.list_unknown_values()
    return Predictions(np.concatenate(batches), trained.transforms.target, unknown)


def _build_inputs(
    inputs: FittedTable | FittedArray, request: PredictionRequest, rows: bytes
) -> tuple[Array, FeatureTable | None]:
    """Return the inputs, and the table that they are from; None for arrays."""
    if isinstance(inputs, FittedArray):
        return _build_array_inputs(inputs, request, rows), None
    features = tuple(iterate_features(inputs))
    if request.media_type == CSV:
        table = csv_table.read_csv_table(rows, features, inputs.csv)
        _check_row_count(len(table.lines or ()), request)
    else:
        table = json_table.read_json_table(_read_json_rows(request, rows), features)
    return inputs.apply(table.to_frame), table


def _build_array_inputs(inputs: FittedArray, request: PredictionRequest, rows: bytes) -> Array:
    if request.media_type == CSV:
        message = "expected JSON, since the job was trained on arrays; received CSV"
        raise InvalidRowsError([Fault(pointer="", message=message)])
    if inputs.normalize is not None and inputs.normalize.axis % (len(inputs.shape) + 1) == 0:
        raise DependentRowsError("The job normalized its inputs along axis 0, over all rows of the dataset together.")
    return inputs.apply(json_arrays.read_json_arrays(_read_json_rows(request, rows), inputs))


def _read_json_rows(request: PredictionRequest, text: bytes) -> Sequence[object]:
    """Return the rows of a JSON document; at least one."""
    size = max(1, len(text))
    try:
        document = decode_json_object(text, Limits(max_json_bytes=size, max_json_elements=size))
    except SpecError as error:
        raise InvalidRowsError(error.faults) from None
    faults = RowFaults()
    for name in document.keys() - {"rows"}:
        faults.add(f'expected "rows" and nothing else, received {format_value(name)}', name)
    rows = cast("list[object]", document.get("rows"))
    if "rows" not in document:
        faults.add('expected "rows", an array of at least one; received none')
    elif not isinstance(rows, list) or not rows:  # pyright: ignore[reportUnnecessaryIsInstance]  # any JSON value
        received = "none" if rows == [] else format_value(rows)
        faults.add(f"expected an array of at least one row, received {received}", "rows", received=rows)
    faults.raise_if_any()
    _check_row_count(len(rows), request)
    return rows


def _check_row_count(rows: int, request: PredictionRequest) -> None:
    if rows > request.max_rows:
        message = f"expected at most {request.max_rows} rows (limit max_predict_rows), received {rows}"
        raise InvalidRowsError([Fault(pointer="/rows", message=message)])


def _check_finite(x: Array) -> None:
    """Raise if inputs exceed float32, before or after scaling."""
    faults = RowFaults()
    for row in np.flatnonzero(~mask_finite_rows(x)).tolist():
        faults.add_at_row("expected numbers that fit into float32 after scaling, received a larger one", row)
    faults.raise_if_any()


def _check_output_count(rows: int, output_shape: Sequence[int]) -> None:
    max_rows = _MAX_OUTPUTS // math.prod(output_shape)
    if rows > max_rows:
        message = f"expected at most {max_rows} rows, each of which has an output of shape {list(output_shape)}"
        raise InvalidRowsError([Fault(pointer="/rows", message=f"{message}; received {rows}")])
