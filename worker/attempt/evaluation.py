"""What a trained network does on rows that it was not trained on: metrics, and where it errs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from service.history import metric_history
from worker.engine import Outcome
from worker.preparation import Prepared
from worker.preparation.arrays import Array
from worker.preparation.transforms.targets import FittedTarget

MOST_CLASSES = 100
MOST_COLUMNS = 100
MOST_PAIRS = 500
_ALL_PAIRS = 10_000
"""Pairs of all target columns together, so that a job's view stays of a bounded size."""
_BINS = 30
_QUANTILES = (0, 5, 25, 50, 75, 95, 100)


def evaluate(outcome: Outcome, data: Prepared, batch_size: int, check: Callable[[], None]) -> dict[str, Any] | None:
    """Evaluate on the test set or, where there is none, on the validation set; None where there is neither.

    Args:
        outcome: of the training, its network trained to the end.
        data: what it was trained on.
        batch_size: of the training.
        check: called several times a second; what it raises passes through.

    Returns:
        As JSON: `on` (`test` or `validation`), how many `rows`, Keras's `metrics` with `nonfinite` beside them, and
        `confusion` for at most 100 classes or `residuals` for at most 100 numbers, each null where it does not apply.
        `rows_left_out` have outputs that are not finite; they are in the metrics alone.

    """
    found = _rows(data)
    if found is None:
        return None
    on, x, y = found
    read = _reader(data.target)
    predicted = None if read is None else _Predicted(read)
    numbers = outcome.evaluate(x, y, batch_size, check, None if predicted is None else predicted.take)
    return {
        "on": on,
        "rows": len(x),
        "metrics": {name: metric_history.finite(number) for name, number in numbers.items()},
        "nonfinite": metric_history.nonfinite(numbers.items()),
        **_errors(predicted, y, data.target),
    }


def evaluated_rows(data: Prepared) -> int:
    """By how many rows a network is evaluated."""
    found = _rows(data)
    return 0 if found is None else len(found[1])


def _rows(data: Prepared) -> tuple[str, Array, Array] | None:
    if data.x_test is not None and data.y_test is not None:
        return "test", data.x_test, data.y_test
    if data.x_validation is not None and data.y_validation is not None:
        return "validation", data.x_validation, data.y_validation
    return None


def _classifies(target: FittedTarget) -> bool:
    return target.classes is not None and len(target.classes) <= MOST_CLASSES


def _reader(target: FittedTarget) -> Callable[[Array], Array] | None:
    """What reads off outputs that of which errors are told; None where none are."""
    if _classifies(target):
        return target.labels
    return target.values if target.kind == "regression" and len(target.columns) <= MOST_COLUMNS else None


class _Predicted:
    """What outputs say, of which only what is needed is kept: a label, or the numbers of a row."""

    def __init__(self, read: Callable[[Array], Array]) -> None:
        self._read = read
        self._finite: list[Array] = []
        self._found: list[Array] = []

    def take(self, outputs: Array) -> None:
        """Read off the outputs of some more rows."""
        usable = _finite(outputs)
        self._finite.append(usable)
        self._found.append(self._read(np.nan_to_num(outputs))[usable])

    @property
    def usable(self) -> Array:
        """Which rows have finite outputs; of shape (rows,)."""
        return np.concatenate(self._finite)

    @property
    def found(self) -> Array:
        """What is said of those rows."""
        return np.concatenate(self._found)


def _errors(predicted: _Predicted | None, y: Array, target: FittedTarget) -> dict[str, Any]:
    if predicted is None:
        return {"rows_left_out": 0, "confusion": None, "residuals": None}
    usable, found = predicted.usable, predicted.found
    told: dict[str, Any] = {"rows_left_out": int((~usable).sum()), "confusion": None, "residuals": None}
    if _classifies(target):
        return told | {"confusion": confusion(target.places(y)[usable], found, target)}
    return told | {"residuals": residuals(target.values(y)[usable], found, target)}


def _finite(outputs: Array) -> Array:
    """Which rows are finite throughout; of shape (rows,)."""
    return np.asarray(np.isfinite(outputs.reshape(len(outputs), -1)).all(axis=1))


def confusion(actual: Array, predicted: Array, target: FittedTarget) -> dict[str, Any]:
    """How many rows of each class were taken for which; `matrix[i][j]` are those of class i taken for class j.

    Args:
        actual: places among the target's classes, of shape (rows,).
        predicted: likewise.
        target: a classification's.

    """
    classes = target.classes or ()
    counts = np.bincount(actual * len(classes) + predicted, minlength=len(classes) ** 2)
    return {"classes": list(classes), "matrix": counts.reshape(len(classes), -1).tolist()}


def residuals(actual: Array, predicted: Array, target: FittedTarget) -> list[dict[str, Any]]:
    """What was actual less what was predicted, of each target column, in its own units.

    Args:
        actual: of shape (rows, columns).
        predicted: likewise.
        target: a regression's.

    """
    pairs = min(MOST_PAIRS, _ALL_PAIRS // len(target.columns))
    return [
        _of_column(name, actual[:, place], predicted[:, place], pairs) for place, name in enumerate(target.columns)
    ]


def _of_column(name: str, actual: Array, predicted: Array, pairs: int) -> dict[str, Any]:
    """Numbers of one column; all but the counts are null where there are no rows."""
    usable = np.isfinite(actual - predicted)  # a float32 can be too large for a float64, in other units
    actual, predicted = actual[usable], predicted[usable]
    errors = actual - predicted
    sample = np.linspace(0, len(errors) - 1, min(pairs, len(errors))).round().astype(np.int64)
    return {
        "column": name,
        "count": len(errors),
        "mean": _of(np.mean, errors),
        "standard_deviation": _of(np.std, errors),
        "mean_absolute": _of(np.mean, np.abs(errors)),
        "root_mean_square": _of(lambda numbers: np.sqrt(np.mean(numbers**2)), errors),
        "quantiles": {str(percent): _of(lambda n, p=percent: np.percentile(n, p), errors) for percent in _QUANTILES},
        "histogram": _histogram(errors),
        "pairs": np.stack([actual[sample], predicted[sample]], axis=1).tolist(),
    }


def _of(statistic: Callable[[Array], Any], numbers: Array) -> float | None:
    return None if len(numbers) == 0 else metric_history.finite(float(statistic(numbers)))


def _histogram(errors: Array) -> dict[str, list[Any]]:
    """Counts in bins of equal width; `edges` has one more than `counts`, and a bin holds its lower edge."""
    if len(errors) == 0:
        return {"edges": [], "counts": []}
    low, high = float(errors.min()), float(errors.max())
    edges = np.linspace(low, high, min(_BINS, len(errors)) + 1)
    if not (np.diff(edges) > 0).all():  # they lie too close, or too far apart, for floats to be put between them
        edges = np.sort([low, high if high > low else np.nextafter(low, 0 if low else 1)])
    return {"edges": edges.tolist(), "counts": np.histogram(errors, edges)[0].tolist()}
