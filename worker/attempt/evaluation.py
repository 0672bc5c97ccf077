"""Evaluate a trained network on rows that it was not trained on: metrics, confusion matrix, residuals."""

from collections.abc import Callable
from typing import Any

import numpy as np

from service.history import json_floats
from worker.engine import Outcome
from worker.preparation import PreparedData
from worker.preparation.arrays import Array, mask_finite_rows
from worker.preparation.transforms.targets import FittedTarget

_MAX_CLASSES = 100
_MAX_COLUMNS = 100
_MAX_PAIRS_PER_COLUMN = 500
_MAX_PAIRS = 10_000
"""The pairs of all target columns together; the limit bounds the size of a job's JSON."""
_MAX_BINS = 30
_PERCENTILES = (0, 5, 25, 50, 75, 95, 100)


def evaluate_network(
    outcome: Outcome, data: PreparedData, batch_size: int, check_stop: Callable[[], None]
) -> dict[str, Any] | None:
    """Evaluate on the test set or, without one, on the validation set; return None if there is neither.

    Args:
        outcome: the outcome of a training that reached its end.
        data: the data of that training.
        batch_size: rows a step, as in the training.
        check_stop: called several times a second; its exceptions pass through.

    Returns:
        As JSON: `on` (`test` or `validation`), the number of `rows`, Keras's `metrics` with `nonfinite` values apart,
        and `confusion` for at most 100 classes or `residuals` for at most 100 columns, each null if not applicable.
        `rows_left_out` counts the rows with non-finite outputs, which only the metrics include.

    """
    rows = _select_rows(data)
    if rows is None:
        return None
    subset, x, y = rows
    decode = _select_decoder(data.target)
    predictions = None if decode is None else _Predictions(decode)
    take_outputs = None if predictions is None else predictions.add_outputs
    metrics = outcome.evaluate(x, y, batch_size, check_stop, take_outputs)
    return {
        "on": subset,
        "rows": len(x),
        "metrics": {name: json_floats.to_json_float(value) for name, value in metrics.items()},
        "nonfinite": json_floats.collect_nonfinite(metrics.items()),
        **_compute_errors(predictions, y, data.target),
    }


def count_evaluation_rows(data: PreparedData) -> int:
    """Return the number of rows on which a network is evaluated."""
    rows = _select_rows(data)
    return 0 if rows is None else len(rows[1])


def _select_rows(data: PreparedData) -> tuple[str, Array, Array] | None:
    if data.x_test is not None and data.y_test is not None:
        return "test", data.x_test, data.y_test
    if data.x_validation is not None and data.y_validation is not None:
        return "validation", data.x_validation, data.y_validation
    return None


def _has_confusion(target: FittedTarget) -> bool:
    return target.classes is not None and len(target.classes) <= _MAX_CLASSES


def _select_decoder(target: FittedTarget) -> Callable[[Array], Array] | None:
    """Return the function from outputs to labels or values; None if no confusion or residuals are computed."""
    if _has_confusion(target):
        return target.predict_class_indices
    return target.undo_scaling if target.kind == "regression" and len(target.columns) <= _MAX_COLUMNS else None


class _Predictions:
    """The decoded predictions of all batches: a label or the values of each row with finite outputs."""

    def __init__(self, decode: Callable[[Array], Array]) -> None:
        self._decode = decode
        self._finite_masks: list[Array] = []
        self._decoded: list[Array] = []

    def add_outputs(self, outputs: Array) -> None:
        """Decode the outputs of further rows, and drop the outputs."""
        finite_rows = mask_finite_rows(outputs)
        self._finite_masks.append(finite_rows)
        self._decoded.append(self._decode(np.nan_to_num(outputs))[finite_rows])

    @property
    def finite_rows(self) -> Array:
        """The mask of rows with finite outputs, of shape (rows,)."""
        return np.concatenate(self._finite_masks)

    @property
    def decoded(self) -> Array:
        """The predictions of the rows with finite outputs."""
        return np.concatenate(self._decoded)


def _compute_errors(predictions: _Predictions | None, y: Array, target: FittedTarget) -> dict[str, Any]:
    if predictions is None:
        return {"rows_left_out": 0, "confusion": None, "residuals": None}
    finite_rows, predicted = predictions.finite_rows, predictions.decoded
    errors: dict[str, Any] = {"rows_left_out": int((~finite_rows).sum()), "confusion": None, "residuals": None}
    if _has_confusion(target):
        return errors | {"confusion": compute_confusion(target.to_class_indices(y)[finite_rows], predicted, target)}
    return errors | {"residuals": compute_residuals(target.undo_scaling(y)[finite_rows], predicted, target)}


def compute_confusion(actual: Array, predicted: Array, target: FittedTarget) -> dict[str, Any]:
    """Return the confusion matrix; `matrix[i][j]` counts the rows of class i that were predicted as class j.

    Args:
        actual: indices into the target's classes, of shape (rows,).
        predicted: likewise.
        target: the target of a classification.

    """
    classes = target.classes or ()
    counts = np.bincount(actual * len(classes) + predicted, minlength=len(classes) ** 2)
    return {"classes": list(classes), "matrix": counts.reshape(len(classes), -1).tolist()}


def compute_residuals(actual: Array, predicted: Array, target: FittedTarget) -> list[dict[str, Any]]:
    """Return statistics of actual minus predicted values for each target column, in the column's own units.

    Args:
        actual: of shape (rows, columns).
        predicted: likewise.
        target: the target of a regression.

    """
    max_pairs = min(_MAX_PAIRS_PER_COLUMN, _MAX_PAIRS // len(target.columns))
    return [
        _describe_column(name, actual[:, index], predicted[:, index], max_pairs)
        for index, name in enumerate(target.columns)
    ]


def _describe_column(name: str, actual: Array, predicted: Array, max_pairs: int) -> dict[str, Any]:
    """Return the statistics of one column; without rows all but the counts are null."""
    # In the column's own units a finite float32 output can overflow.
    finite_rows = np.isfinite(actual - predicted)
    actual, predicted = actual[finite_rows], predicted[finite_rows]
    errors = actual - predicted
    sample = np.linspace(0, len(errors) - 1, min(max_pairs, len(errors))).round().astype(np.int64)
    return {
        "column": name,
        "count": len(errors),
        "mean": _compute_statistic(np.mean, errors),
        "standard_deviation": _compute_statistic(np.std, errors),
        "mean_absolute": _compute_statistic(np.mean, np.abs(errors)),
        "root_mean_square": _compute_statistic(lambda values: np.sqrt(np.mean(values**2)), errors),
        "quantiles": {
            str(percent): _compute_statistic(lambda values, q=percent: np.percentile(values, q), errors)
            for percent in _PERCENTILES
        },
        "histogram": _compute_histogram(errors),
        "pairs": np.stack([actual[sample], predicted[sample]], axis=1).tolist(),
    }


def _compute_statistic(statistic: Callable[[Array], Any], values: Array) -> float | None:
    return None if len(values) == 0 else json_floats.to_json_float(float(statistic(values)))


def _compute_histogram(errors: Array) -> dict[str, list[Any]]:
    """Return counts in bins of equal width; `edges` is one longer than `counts`, and a bin includes its lower edge."""
    if len(errors) == 0:
        return {"edges": [], "counts": []}
    low, high = float(errors.min()), float(errors.max())
    edges = np.linspace(low, high, min(_MAX_BINS, len(errors)) + 1)
    if not (np.diff(edges) > 0).all():  # the range is too narrow, or too wide, for distinct floats between its ends
        edges = np.sort([low, high if high > low else np.nextafter(low, 0 if low else 1)])
    return {"edges": edges.tolist(), "counts": np.histogram(errors, edges)[0].tolist()}
